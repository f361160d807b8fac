"""Where peers that are built here are kept: outside the tree, a folder a version, so that all checkouts share them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """`${XDG_CACHE_HOME:-~/.cache}/roadstead-peers`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roadstead-peers"


@contextmanager
def alone() -> Iterator[None]:
    """Hold the set-up lock: two checkouts that set up at once build each peer once."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """Give a folder to build in, which gets its name only when the body succeeds.

    So a build that is cut off leaves no half peer.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
