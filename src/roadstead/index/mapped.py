"""Small files that every process of the machine maps into its memory: generation numbers, the limits' buckets."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

from roadstead.core.errors import StorageFull, Unavailable


def mapped(file: Path, size_bytes: int) -> mmap.mmap:
    """The file, shared, made where it is missing; the folder has to be there.

    All of its space is taken at once: on a disk that has become full, the first write to a page that has no place yet
    would end the process (SIGBUS).

    Raises:
        StorageFull: there is no space for it.
        Unavailable: the disk fails otherwise.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
            return mmap.mmap(descriptor, size_bytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"there is no space for {file}", remedy="free some space, then try again") from error
        raise Unavailable(f"{file} cannot be used: {error.strerror or error}") from error
