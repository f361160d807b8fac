"""A file's bytes, read in threads while those before them are being sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Final

from roadstead.content.failures import translated
from roadstead.core.errors import CorruptContent

READ_BYTES: Final = 1024 * 1024
"""How much is read at a time, and how much a piece that is sent has at most."""


class FileContent:
    """An open file as a `Content`. It does not own the descriptor."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._size_bytes = os.fstat(file).st_size

    @property
    def size_bytes(self) -> int:
        """The file's size when it was opened."""
        return self._size_bytes

    async def read(self, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """`length` bytes from `start`; see `Content.read`."""
        end = self._size_bytes if length is None else start + length
        while start < end:
            piece = await asyncio.to_thread(self._read, start, min(READ_BYTES, end - start))
            start += len(piece)
            yield piece

    def _read(self, start: int, length: int) -> bytes:
        with translated():
            piece = os.pread(self._file, length, start)
        if not piece:
            raise CorruptContent(f"a stored file ends at byte {start}, before its end; it was cut short meanwhile")
        return piece
