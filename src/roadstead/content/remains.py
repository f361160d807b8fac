"""What an idle session may have left in the store without the index knowing it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from roadstead.content.folder import data_path, hashed, lock, remove
from roadstead.content.state import State
from roadstead.content.store import BlobStore
from roadstead.core.errors import UnknownUpload
from roadstead.core.oci.digest import HEX_LENGTHS, Digest


def sweep(folder: Path, store: BlobStore, is_known: Callable[[Digest], bool]) -> bool:
    """Withdraws what the session published and nobody knows, and removes its folder; False if a request has it."""
    try:
        file = lock(folder)
    except UnknownUpload:
        remove(folder)  # a creation or a removal that was killed halfway
        return True
    if file is None:
        return False
    try:
        for digest in _published(folder, file):
            if not is_known(digest):
                store.withdraw(data_path(folder), digest)
        remove(folder)
    finally:
        os.close(file)
    return True


def _published(folder: Path, file: int) -> list[Digest]:
    """The digests under which the store may have the session's bytes.

    Where a machine's crash took the state, but left the file a second name, the bytes say it.
    """
    state = State.load(folder)
    if state is not None and state.published:
        return [Digest.parse(text) for text in state.published]
    found = os.fstat(file)
    if found.st_nlink < 2:
        return []
    return [hashed(file, algorithm, found.st_size).digest() for algorithm in HEX_LENGTHS]
