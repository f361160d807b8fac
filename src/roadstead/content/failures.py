"""What an error of the operating system means here."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from roadstead.core.errors import RoadsteadError, StorageFull, Unavailable

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns an OSError of the work inside into an error of ours.

    Raises:
        StorageFull: the disk, or a quota on it, is full.
        Unavailable: it fails otherwise.
    """
    try:
        yield
    except OSError as error:
        raise translation(error) from error


def translation(error: OSError) -> RoadsteadError:
    """The error of ours that says what `error` means."""
    if error.errno in _FULL:
        return StorageFull("the disk under the content store is full", remedy="free some space, then try again")
    return Unavailable(f"the disk under the content store fails: {error.strerror or error}")
