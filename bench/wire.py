"""A client that costs next to nothing: HTTP/1.1 on one socket, bodies from `sendfile`, answers thrown away unread.

The load shares its cores with the server that it measures, so that what a client costs is taken from the server.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PIECE_BYTES = 1024 * 1024
_MOST_HEAD_BYTES = 64 * 1024


class UnexpectedAnswer(Exception):
    """An answer of another status than the measured work gives; a rate of errors would be no rate."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and headers by their lower-case names; the body is thrown away."""

    status: int
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        """The path and query of `Location`."""
        parts = urlsplit(self.headers["location"])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file, and some more after them."""

    file: Path
    start: int
    size_bytes: int
    tail: bytes = b""

    def __len__(self) -> int:
        return self.size_bytes + len(self.tail)


Body = bytes | FilePart


class Wire:
    """One connection to a registry on loopback, with one token."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(_PIECE_BYTES)
        self._common = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    def close(self) -> None:
        self._socket.close()

    def request(
        self, method: str, target: str, expected: int, body: Body = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a request, and wait for the end of its answer.

        Raises:
            UnexpectedAnswer: its status is not `expected`.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"{method} {target} HTTP/1.1\r\n{self._common}Content-Length: {len(body)}\r\n{lines}\r\n".encode()
        self._send(head, body)
        return self._receive(method, target, expected)

    def _send(self, head: bytes, body: Body) -> None:
        if isinstance(body, bytes):
            self._socket.sendall(head + body)
            return
        self._socket.sendall(head, socket.MSG_MORE)
        with body.file.open("rb") as file:
            self._socket.sendfile(file, body.start, body.size_bytes)
        if body.tail:
            self._socket.sendall(body.tail)

    def _receive(self, method: str, target: str, expected: int) -> Answer:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self._socket.recv(_MOST_HEAD_BYTES)
            if not piece:
                raise UnexpectedAnswer(f"{method} {target}: the server hung up")
            received += piece
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        answer = Answer(int(first.split()[1]), {name.lower(): value for name, value in fields.items()})
        if answer.status != expected:
            raise UnexpectedAnswer(f"{method} {target}: {answer.status}, not {expected}: {rest[:500]!r}")
        self._drain(0 if method == "HEAD" else int(answer.headers.get("content-length", 0)), len(rest))
        return answer

    def _drain(self, size_bytes: int, have_bytes: int) -> None:
        """Wait for the rest of a body and let the kernel drop it (MSG_TRUNC on TCP copies nothing)."""
        while have_bytes < size_bytes:
            count = self._socket.recv_into(self._buffer, min(_PIECE_BYTES, size_bytes - have_bytes), socket.MSG_TRUNC)
            if not count:
                raise UnexpectedAnswer("the server hung up within a body")
            have_bytes += count
