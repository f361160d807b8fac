"""The body of a request that is refused before its end: read away, or the connection is said to end.

A server that answers and hangs up while the client still sends resets the connection, and the client may never see
the answer: neither the 401 that asks for a new token nor the 416 that says where to go on.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import Message, Receive, Scope

MOST_BYTES: Final = 4 * 1024 * 1024
"""How much of a refused body is read away. Who sends more is told that the connection ends."""

WAIT_S: Final = 5.0
"""How long a client has to send it."""

METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
"""The methods whose requests have bodies."""


class UnreadBody:
    """A request's `receive` that knows whether the body was read to its end."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._has_ended = False

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        self._has_ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def drain(self) -> bool:
        """Reads away what is left; whether its end was reached."""
        if self._is_more_announced():
            return False
        left = MOST_BYTES
        try:
            async with asyncio.timeout(WAIT_S):
                while not self._has_ended and left >= 0:
                    left -= len((await self()).get("body", b""))
        except TimeoutError:
            return False
        return self._has_ended

    def _is_more_announced(self) -> bool:
        """Whether the headers say already that there is too much, or that the client waits for our word to begin."""
        if self._has_ended:
            return False
        for name, value in self._scope["headers"]:
            if name == b"expect":
                return True
            if name == b"content-length" and value.isdigit() and int(value) > MOST_BYTES:
                return True
        return False
