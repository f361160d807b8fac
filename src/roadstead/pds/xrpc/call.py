"""A request of an XRPC method: its parameters and its body, each with a bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from roadstead.core.errors import Invalid, Unauthorized
from roadstead.pds.xrpc.errors import TooLarge

T = TypeVar("T")

MAX_JSON_BYTES: Final = 4 * 1024 * 1024
"""A commit of 2 MB, with its byte strings as base64 and some space around."""

MAX_PARAMETER_LENGTH: Final = 2048


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose method is known."""

    request: Request

    def text(self, name: str) -> str:
        """A parameter that has to be there.

        Raises:
            Invalid: it is not, or is too long.
        """
        found = self.optional(name)
        if found is None:
            raise Invalid(f"the parameter `{name}` is missing")
        return found

    def optional(self, name: str) -> str | None:
        """A parameter, if it is there; an empty one counts as missing.

        Raises:
            Invalid: it is too long.
        """
        found = self.request.query_params.get(name)
        if found and len(found) > MAX_PARAMETER_LENGTH:
            raise Invalid(f"the parameter `{name}` is longer than {MAX_PARAMETER_LENGTH} characters")
        return found or None

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        """A parameter that is a whole number.

        Raises:
            Invalid: it is none, or out of range.
        """
        text = self.optional(name)
        if text is None:
            return default
        if not text.isdecimal() or not text.isascii() or len(text) > 18 or not least <= int(text) <= most:
            raise Invalid(f"the parameter `{name}` is {text[:40]!r}; expected a number from {least} to {most}")
        return int(text)

    def flag(self, name: str) -> bool:
        """A parameter that is `true` or `false`, which is what it is when it is missing.

        Raises:
            Invalid: it is neither.
        """
        text = self.optional(name) or "false"
        if text not in ("true", "false"):
            raise Invalid(f"the parameter `{name}` is {text[:40]!r}; expected true or false")
        return text == "true"

    @property
    def bearer(self) -> str:
        """The token that the request comes with.

        Raises:
            Unauthorized: there is none.
        """
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("this method needs a session", remedy="create one, and send its token")
        return token.strip()

    async def pieces(self, limit_bytes: int) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            TooLarge: it is larger than `limit_bytes`.
        """
        left = limit_bytes
        async for piece in self.request.stream():
            left -= len(piece)
            if left < 0:
                raise TooLarge(f"the body is larger than {limit_bytes} bytes")
            if piece:
                yield piece

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body.

        Raises:
            TooLarge: it is larger than `limit_bytes`.
        """
        return b"".join([piece async for piece in self.pieces(limit_bytes)])

    async def json(self, kind: type[T]) -> T:
        """The body as JSON of the form of `kind`.

        Raises:
            Invalid: it is not.
            TooLarge: it is larger than `MAX_JSON_BYTES`.
        """
        body = await self.body(MAX_JSON_BYTES)
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Invalid(f"the body is not what this method takes: {error or 'it nests too deep'}") from error


def json_response(value: Any) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def empty_response() -> Response:
    """An answer that says nothing but that all went well."""
    return Response(b"")
