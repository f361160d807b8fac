"""Bytes and names that survive a power cut, and those on their way there."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

_VECTORS: Final = 1024
"""IOV_MAX of Linux: how many buffers one call takes."""

_SYNC_FILE_RANGE_WRITE: Final = 2


def write_all(file: int, pieces: Sequence[bytes], position: int) -> int:
    """Writes `pieces` one after another at `position`; the position after them.

    Raises:
        OSError: the disk is full or fails; some of the bytes may be there then.
    """
    for first in range(0, len(pieces), _VECTORS):
        some = pieces[first : first + _VECTORS]
        size = sum(map(len, some))
        written = os.pwritev(file, some, position)
        if written < size:
            _write_rest(file, memoryview(b"".join(some))[written:], position + written)
        position += size
    return position


def _write_rest(file: int, rest: memoryview, position: int) -> None:
    """What a short write left over: a signal came, or the disk got full, which the next write then says."""
    while rest:
        written = os.pwrite(file, rest, position)
        rest, position = rest[written:], position + written


def sync_data(file: int) -> None:
    """Returns when the file's bytes and size are on disk."""
    getattr(os, "fdatasync", os.fsync)(file)


def sync_folder(folder: Path) -> None:
    """Returns when the names in `folder` are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def start_write_back(file: int, start: int, length: int) -> None:
    """Lets the kernel begin to write a range to disk, so that a later `sync_data` is short. Promises nothing."""
    call = _sync_file_range()
    if call is not None:
        call(file, start, length, _SYNC_FILE_RANGE_WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).sync_file_range
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    function.restype = ctypes.c_int
    return function
