"""One request and what answers it, on plain ASGI.

Starlette's request and response would cost a hot pull more than all the rest of it. What is here is what the
registry's endpoints need of them, and no more.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from roadstead.core.access.rights import Bearer
from roadstead.core.errors import Invalid
from roadstead.registry.routes import Route
from roadstead.registry.views import RepositoryView

MAX_QUERY_FIELDS: Final = 128
"""Parameters in one query: forty tags with their escapes, and some more."""

MAX_WARNING_BYTES: Final = 4096

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """A request whose path is parsed and whose bearer is known.

    Args:
        view: the repository that the path names, existing or not; None for paths that name none.
        base_url: this server as the client reaches it, for `Location`.
    """

    scope: Scope
    receive: Receive
    route: Route
    bearer: Bearer
    repository: RepositoryView | None
    base_url: str
    _query: list[tuple[str, str]] | None = field(default=None)

    @property
    def view(self) -> RepositoryView:
        """The repository that the path names."""
        if self.repository is None:
            raise LookupError("this path names no repository")
        return self.repository

    def header(self, name: bytes) -> str | None:
        """The value of a header by its lower-case name; the first of several."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value, "latin-1")
        return None

    def headers(self, name: bytes) -> str:
        """The values of all header lines of this name, joined (RFC 9110, 5.2): clients send several `Accept` lines."""
        return ", ".join(str(value, "latin-1") for key, value in self.scope["headers"] if key == name)

    def content_length(self) -> int | None:
        """What `Content-Length` says; None for a stream.

        Raises:
            Invalid: it is no number.
        """
        text = self.header(b"content-length")
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,18}", text):
            raise Invalid(f"Content-Length {text[:40]!r} is not a number of bytes")
        return int(text)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next(iter(self.parameters(name)), None)

    def parameters(self, name: str) -> list[str]:
        """All values of a query parameter.

        Raises:
            Invalid: the query has too many fields, or a NUL in one, which PostgreSQL does not take.
        """
        if self._query is None:
            try:
                text = self.scope["query_string"].decode("latin-1")
                self._query = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
            except ValueError as error:
                raise Invalid(f"the query has more than {MAX_QUERY_FIELDS} parameters") from error
            if any("\0" in value for _key, value in self._query):
                raise Invalid("the query has a NUL character in a parameter")
        return [value for key, value in self._query if key == name]

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the body as they come.

        Raises:
            ClientDisconnect: the client went away before its end.
        """
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            if piece:
                yield piece
            if not message.get("more_body", False):
                return


class Answer(Protocol):
    """What an endpoint returns."""

    status: int
    headers: Headers

    async def send(self, send: Send) -> None:
        """Sends status, headers and body."""


@dataclass(slots=True)
class Whole:
    """An answer whose body is in memory.

    Args:
        body: left out for HEAD, whose Content-Length is among the headers.
    """

    status: int
    headers: Headers
    body: bytes = b""

    async def send(self, send: Send) -> None:
        """Sends status, headers and body."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(slots=True)
class SentFile:
    """An answer whose body is a whole file, sent by the server itself (ASGI extension `http.response.pathsend`)."""

    status: int
    headers: Headers
    path: str

    async def send(self, send: Send) -> None:
        """Sends status, headers and the file."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.pathsend", "path": self.path})


@dataclass(slots=True)
class Streamed:
    """An answer whose body is read while it is sent."""

    status: int
    headers: Headers
    pieces: AsyncGenerator[bytes, None]

    async def send(self, send: Send) -> None:
        """Sends status, headers and the pieces."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        async with contextlib.aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def wire_headers(fields: Mapping[str, str | int]) -> Headers:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in fields.items()]


def answer(status: HTTPStatus | int, fields: Mapping[str, str | int] | None = None, body: bytes = b"") -> Whole:
    """A whole answer; its Content-Length is that of the body unless the fields say otherwise."""
    given = {"Content-Length": len(body), **(fields or {})}
    if status == HTTPStatus.NO_CONTENT:
        del given["Content-Length"]
    return Whole(int(status), wire_headers(given), body)


def warnings(texts: Iterable[str]) -> Headers:
    """`Warning` headers (OCI distribution-spec, Warnings): no date, at most 4,096 bytes together."""
    found: Headers = []
    left = MAX_WARNING_BYTES
    for text in texts:
        quoted = "".join(character for character in text if " " <= character <= "~").replace("\\", "").replace('"', "'")
        value = f'299 - "{quoted}"'.encode()
        left -= len(value)
        if left >= 0:
            found.append((b"warning", value))
    return found
