"""What a backup is made into and read from: a folder, or a tar file. Both hold the same names.

docker/registry/v2/blobs/sha256/ab/<hex>/data    blobs, as in a data folder
roadstead.db                                     the database
backup.json                                      says that the backup is whole; written last
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from roadstead.content.durable import sync_folder
from roadstead.content.failures import translated
from roadstead.content.layout import BLOBS
from roadstead.core.errors import Conflict, CorruptContent, InvalidDigest, Unknown
from roadstead.core.oci.digest import Digest

DATABASE: Final = "roadstead.db"
STATEMENT: Final = "backup.json"

PIECE_BYTES: Final = 1024 * 1024

_BLOB: Final = re.compile(rf"{re.escape(str(BLOBS))}/(sha256|sha512)/[0-9a-f]{{2}}/([0-9a-f]+)/data")


class Stream(Protocol):
    """Bytes to read."""

    def read(self, size: int = -1, /) -> bytes:
        """Reads on."""


class Archive(Protocol):
    """Where a backup goes to. All calls raise StorageFull or Unavailable when the disk does."""

    def has_blob(self, digest: Digest, size_bytes: int) -> bool:
        """Whether an earlier backup put the blob there; what it put there is kept from now on."""

    def add(self, name: str, source: Stream, size_bytes: int) -> None:
        """Adds `size_bytes` of `source` under a name."""

    def drop(self, name: str) -> None:
        """Takes back what was just added, where that is possible."""

    def finish(self, statement: bytes) -> None:
        """Makes all of it durable, and says that it is whole."""


class Reading:
    """A stream that hashes what is read from it."""

    def __init__(self, source: Stream, algorithm: str) -> None:
        self._source = source
        self._hash = hashlib.new(algorithm)

    def read(self, size: int = -1, /) -> bytes:
        """Reads on."""
        piece = self._source.read(size)
        self._hash.update(piece)
        return piece

    def hex(self) -> str:
        """The hash of what was read until now."""
        return self._hash.hexdigest()


def blob_name(digest: Digest) -> str:
    """Under which name a blob lies."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"


def blob_of(name: str) -> Digest | None:
    """The blob that lies under a name; None if it is another name."""
    match = _BLOB.fullmatch(name)
    try:
        return Digest.parse(f"{match[1]}:{match[2]}") if match else None
    except InvalidDigest:
        return None


class FolderArchive:
    """A folder. One that has an earlier backup gets only what is new, and loses what is not named any more.

    Until the end the earlier backup stays whole: its database is replaced last.

    Args:
        folder: made when it is missing.

    Raises:
        Conflict: it holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with translated():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(folder.iterdir()) and not (folder / STATEMENT).exists():
                raise Conflict(
                    f"the folder {folder} is not empty, and holds no backup", remedy="name an empty or a new one"
                )
        self._named: set[Path] = set()

    def has_blob(self, digest: Digest, size_bytes: int) -> bool:
        """Whether it has the file, of the right size; see `Archive.has_blob`."""
        path = self._folder / blob_name(digest)
        self._named.add(path)
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_size == size_bytes
        return False

    def add(self, name: str, source: Stream, size_bytes: int) -> None:
        """Copies the stream into a file; see `Archive.add`."""
        path = self._folder / name
        beside = path.with_name(f"{path.name}.new")
        with translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                shutil.copyfileobj(source, file, PIECE_BYTES)
                file.flush()
                os.fsync(file.fileno())
            if name == DATABASE:
                return  # `finish` puts it in place
            beside.replace(path)
            sync_folder(path.parent)

    def drop(self, name: str) -> None:
        """Removes the file; see `Archive.drop`."""
        with translated():
            (self._folder / name).unlink(missing_ok=True)

    def finish(self, statement: bytes) -> None:
        """Puts database and statement in place, and removes other blobs; see `Archive.finish`."""
        with translated():
            (self._folder / f"{DATABASE}.new").replace(self._folder / DATABASE)
            beside = self._folder / f"{STATEMENT}.new"
            beside.write_bytes(statement)
            beside.replace(self._folder / STATEMENT)
            for path in (self._folder / BLOBS).glob("*/*/*/data"):
                if path not in self._named:
                    path.unlink()
            # Many small folders were made; this syncs all of them at once.
            os.sync()


class TarArchive:
    """A tar file, or a stream of one.

    Args:
        file: open for writing.
    """

    def __init__(self, file: IO[bytes], now_s: int) -> None:
        self._file = file
        self._now_s = now_s
        self._tar = tarfile.open(mode="w|", fileobj=file, format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by finish

    def has_blob(self, _digest: Digest, _size_bytes: int) -> bool:
        """Never: it is always written anew."""
        return False

    def add(self, name: str, source: Stream, size_bytes: int) -> None:
        """Adds the stream as a member; see `Archive.add`."""
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size_bytes, 0o600, self._now_s
        with translated():
            self._tar.addfile(member, source)

    def drop(self, _name: str) -> None:
        """Not possible: restoring finds it damaged."""

    def finish(self, statement: bytes) -> None:
        """Adds the statement, and ends the file; see `Archive.finish`."""
        self.add(STATEMENT, io.BytesIO(statement), len(statement))
        with translated():
            self._tar.close()
            self._file.flush()
            with contextlib.suppress(OSError):
                os.fsync(self._file.fileno())  # a pipe cannot be synced


def members(source: Path) -> Iterator[tuple[str, Stream, int]]:
    """Name, stream and size of all that a backup holds, database and statement too; other names are passed over.

    Raises:
        Unknown: there is no backup.
    """
    if source.is_dir():
        yield from _of_folder(source)
    elif source.exists():
        yield from _of_tar(source)
    else:
        raise Unknown(f"there is no backup at {source}")


def _of_folder(folder: Path) -> Iterator[tuple[str, Stream, int]]:
    named = (*sorted((folder / BLOBS).glob("*/*/*/data")), folder / DATABASE, folder / STATEMENT)
    for path in named:
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            yield str(path.relative_to(folder)), file, os.fstat(file.fileno()).st_size


def _of_tar(path: Path) -> Iterator[tuple[str, Stream, int]]:
    with tarfile.open(path, mode="r|") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream, member.size


@contextlib.contextmanager
def readable(source: Path) -> Iterator[None]:
    """To be held around the use of `members`.

    Raises:
        CorruptContent: the backup cannot be read to its end.
    """
    try:
        yield
    except tarfile.TarError as error:
        raise CorruptContent(
            f"the backup {source} is cut short or damaged: {error}",
            remedy="make it again: a backup that was interrupted cannot be restored",
        ) from error
