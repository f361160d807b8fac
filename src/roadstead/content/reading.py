"""A file's bytes, each piece read in a thread while the one before it is being sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Final

from roadstead.content.failures import translated
from roadstead.content.intake import settled
from roadstead.core.errors import CorruptContent

READ_BYTES: Final = 256 * 1024
"""How much is read at a time, and how much a piece that is sent has at most.

The server under us takes some eight pieces for a client before it makes us wait: they are what a download costs.
"""


class FileContent:
    """An open file as a `Content`. It does not own the descriptor: whoever closes that awaits `finish` before."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._size_bytes = os.fstat(file).st_size
        self._ahead: asyncio.Future[bytes] | None = None

    @property
    def size_bytes(self) -> int:
        """The file's size when it was opened."""
        return self._size_bytes

    async def read(self, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """`length` bytes from `start`; see `Content.read`. One piece is read ahead; one reader at a time."""
        end = self._size_bytes if length is None else start + length
        await self.finish()
        self._begin(start, end)
        while self._ahead is not None:
            piece = await settled(self._ahead)
            start += len(piece)
            self._begin(start, end)
            yield piece

    async def finish(self) -> None:
        """Waits for what a reader that went away has begun to read."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.wait([ahead])
            ahead.exception()  # seen: nobody wants the piece

    def _begin(self, start: int, end: int) -> None:
        self._ahead = None
        if start < end:
            length = min(READ_BYTES, end - start)
            self._ahead = asyncio.get_running_loop().run_in_executor(None, self._read, start, length)

    def _read(self, start: int, length: int) -> bytes:
        with translated():
            piece = os.pread(self._file, length, start)
        if not piece:
            raise CorruptContent(f"a stored file ends at byte {start}, before its end; it was cut short meanwhile")
        return piece
