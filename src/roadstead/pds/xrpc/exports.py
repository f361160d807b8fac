"""Exports on their way to readers: how many there are, how large they become here, and how long one may take.

An export is written whole before it is sent (see `roadstead.pds.export`), so every reader of one holds as many bytes
here as the repository has, for as long as it reads: anybody may ask, and read slowly.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final, cast

import structlog
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from roadstead.content.failures import translated
from roadstead.core.atproto.car import MEDIA_TYPE
from roadstead.core.errors import TooManyRequests
from roadstead.index.database import Database
from roadstead.pds import export
from roadstead.pds.xrpc.slots import Slots

log: Final = structlog.get_logger(__name__)

WRITTEN_AT_ONCE: Final = 2
"""Exports that a process writes at the same time: each takes one of its reader threads."""

OPEN_AT_ONCE: Final = 16
"""Exports that a process has, from the question until the last byte is sent."""

OPEN_OF_ONE: Final = 4
"""Of them, those of one client address."""

SPOOL_BYTES: Final = 1024 * 1024
"""What is larger is in a file."""

PIECE_BYTES: Final = 256 * 1024

PATIENCE_S: Final = 60.0
SLOWEST_BYTES_PER_S: Final = 64 * 1024
"""A reader has so much time, and as much more as it needs at this speed."""


class Exports:
    """Makes and sends the exports of one process.

    Args:
        folder: where large ones lie, as files without a name: on the disk that is made for this server's data.
        patience_s: how long sending may take, however small the export is.
    """

    def __init__(self, database: Database, folder: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._database = database
        self._folder = folder
        self._patience_s = patience_s
        self._writing = asyncio.Semaphore(WRITTEN_AT_ONCE)
        self._slots = Slots(OPEN_AT_ONCE, OPEN_OF_ONE)

    async def response(self, account_id: int, since: str | None, whom: str) -> Response:
        """The answer that sends a repository.

        Args:
            since: see `roadstead.pds.export.write`.
            whom: the client, as it is limited.

        Raises:
            TooManyRequests: too many exports are being read, by this client or by all.
            UnknownRecord: there is no such repository.
            StorageFull: there is no space for it.
        """
        if not self._slots.take(whom):
            raise TooManyRequests("too many exports are being read at the moment", retry_after_s=10)
        try:
            file = await self._written(account_id, since)
        except BaseException:
            self._slots.give_back(whom)
            raise
        return _Sending(file, self._patience_s, lambda: self._slots.give_back(whom))

    async def _written(self, account_id: int, since: str | None) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES, dir=str(self._folder))  # noqa: SIM115 - closed when it was sent
        file = cast("IO[bytes]", spool)
        try:
            async with self._writing:
                with translated():
                    await self._database.read(lambda connection: export.write(connection, account_id, since, file))
        except BaseException:
            file.close()
            raise
        return file


class _Sending(StreamingResponse):
    """Sends what was written to `file`, in bounded time, and closes it."""

    def __init__(self, file: IO[bytes], patience_s: float, done: Callable[[], None]) -> None:
        size_bytes = file.tell()
        file.seek(0)
        super().__init__(_pieces(file), media_type=MEDIA_TYPE, headers={"Content-Length": str(size_bytes)})
        self._file = file
        self._limit_s = patience_s + size_bytes / SLOWEST_BYTES_PER_S
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            # The server cuts the connection, as less has come than was announced.
            log.info("an export was read too slowly", limit_s=round(self._limit_s))
        finally:
            self._file.close()
            self._done()


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """What is in `file`. What was just written is read from the page cache."""
    while piece := file.read(PIECE_BYTES):
        yield piece
