"""Taking over files that somebody else has written, once their bytes are proved to have their digest."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from roadstead.content.durable import sync_data
from roadstead.content.failures import translated
from roadstead.content.hashing import Hasher
from roadstead.core.errors import CorruptContent, UnknownBlob, Unsupported
from roadstead.core.oci.digest import Digest

PIECE_BYTES: Final = 1024 * 1024


class Way(StrEnum):
    """How a foreign file is taken over: `AUTO` links where it can."""

    AUTO = "auto"
    LINK = "link"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Staged:
    """A file on the store's file system whose bytes have their digest and are on disk."""

    path: Path
    size_bytes: int


@contextlib.contextmanager
def staging(storage: Path) -> Iterator[Path]:
    """A folder for `stage`, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="adopt-", dir=storage) as folder:
        yield Path(folder)


@contextlib.contextmanager
def stage(source: Path, digest: Digest, folder: Path, way: Way, tell: Callable[[int], None]) -> Iterator[Staged]:
    """Links or copies a foreign file into `folder`, and verifies it, until the end of the block.

    Args:
        tell: is told of every piece of bytes that was read.

    Raises:
        UnknownBlob: there is no such file.
        CorruptContent: it has another digest, or cannot be read.
        Unsupported: it cannot be linked, and has to be.
        StorageFull, Unavailable: it cannot be copied.
    """
    own = folder / f"{digest.algorithm}-{digest.hex}"
    try:
        with translated():
            size_bytes = _verified(source, own, digest, way, tell)
        yield Staged(own, size_bytes)
    finally:
        own.unlink(missing_ok=True)


def _verified(source: Path, own: Path, digest: Digest, way: Way, tell: Callable[[int], None]) -> int:
    try:
        stream = source.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnknownBlob(f"{digest} has no file at {source}") from error
    except OSError as error:
        raise _unreadable(error) from error
    with stream:
        is_linked = way is not Way.COPY and _link(source, own, must=way is Way.LINK)
        hasher = Hasher.start(digest.algorithm)
        if is_linked:
            _hash(stream, hasher, None, tell)
            sync_data(stream.fileno())
        else:
            with own.open("xb") as copy:
                _hash(stream, hasher, copy, tell)
                copy.flush()
                own.chmod(0o600)
                sync_data(copy.fileno())
    if hasher.digest() != digest:
        raise CorruptContent(f"the file of {digest} has another digest: {hasher.digest()}")
    return hasher.size_bytes


def _link(source: Path, own: Path, *, must: bool) -> bool:
    """Gives the file a second name; False where the system does not let us, and it need not be."""
    try:
        own.hardlink_to(source)
    except OSError as error:
        if must:
            raise Unsupported(f"the file cannot be hard linked: {error.strerror}", remedy="copy it") from error
        return False
    return True


def _hash(stream: IO[bytes], hasher: Hasher, copy: IO[bytes] | None, tell: Callable[[int], None]) -> None:
    while piece := _read(stream):
        hasher.update(piece)
        if copy is not None:
            copy.write(piece)
        tell(len(piece))


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(PIECE_BYTES)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> CorruptContent:
    return CorruptContent(f"its file cannot be read: {error.strerror}")
