"""A session's folder: its file of bytes, its lock and its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from roadstead.content import state as states
from roadstead.content.hashing import Hasher
from roadstead.core.errors import UnknownUpload

REHASH_BYTES: Final = 1024 * 1024
"""How much is read at a time to be hashed again."""


def data_path(folder: Path) -> Path:
    """The file with the session's bytes."""
    return folder / "data"


def lock(folder: Path) -> int | None:
    """The session's file, open and locked; None while another has it.

    Raises:
        UnknownUpload: there is none.
    """
    try:
        file = os.open(data_path(folder), os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnknownUpload(f"there is no upload session {folder.name}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return file


def remove(folder: Path) -> None:
    """Removes a session's folder, or what is left of it. The state goes first: without it there is no session."""
    with contextlib.suppress(FileNotFoundError):
        states.forget(folder)
        for path in list(folder.iterdir()):
            path.unlink(missing_ok=True)
        folder.rmdir()


def hashed(file: int, algorithm: str, size: int) -> Hasher:
    """The hash of the file's first `size` bytes, read back."""
    hasher = Hasher.start(algorithm)
    buffer = memoryview(bytearray(REHASH_BYTES))
    while (rest := size - hasher.size_bytes) > 0:
        count = os.preadv(file, [buffer[: min(rest, REHASH_BYTES)]], hasher.size_bytes)
        if not count:
            break
        hasher.update(buffer[:count])
    return hasher
