"""The content store on a local disk.

Publishing, in this order: the source is synced by who wrote it; the folder `ab/<hex>` is made; the source gets its
second name there (a hard link, or a rename over what was there); the folders are synced. A crash in between leaves
either no name or a name of verified bytes. The source keeps its own name until its upload is done with, so that
`withdraw` can tell by the inode whether a stored file is that upload's.

The data folder has to be one file system with hard links (all the usual ones of Unix have them).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from roadstead.content.durable import sync_folder
from roadstead.content.failures import translated, translation
from roadstead.content.hashing import Hasher
from roadstead.content.layout import Layout
from roadstead.content.reading import FileContent
from roadstead.content.store import Check, Stored
from roadstead.core.errors import UnknownBlob
from roadstead.core.oci.digest import Digest

CHECK_BYTES: Final = 1024 * 1024
"""How much is read at a time to be hashed again."""

REPLACEMENT: Final = "replacement"
"""The name beside the source under which it waits to be renamed over a stored file."""


class DiskStore:
    """A `BlobStore` in the folder `data`. Any number of processes may share it.

    Args:
        data: the data folder; uploads into this store lie on the same file system.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._layout = Layout(data)
        self._named: set[Path] = set()

    def stat(self, digest: Digest) -> int | None:
        """The size in bytes of the digest's file; see `BlobStore.stat`."""
        found = _stat(self._layout.blob(digest))
        return found.st_size if found else None

    def path(self, digest: Digest) -> Path | None:
        """The digest's file, whether it is there or not."""
        return self._layout.blob(digest)

    @contextlib.asynccontextmanager
    async def open(self, digest: Digest) -> AsyncIterator[FileContent]:
        """The digest's file, open; see `BlobStore.open`."""
        with translated():
            try:
                file = os.open(self._layout.blob(digest), os.O_RDONLY)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise UnknownBlob(f"{digest} is not stored here") from error
        try:
            content = FileContent(file)
            try:
                yield content
            finally:
                await content.finish()
        finally:
            os.close(file)

    def publish(self, source: Path, digest: Digest) -> None:
        """Gives the source's bytes their name in the store; see `BlobStore.publish`."""
        with translated():
            self._link(source, self._layout.blob(digest))

    def withdraw(self, source: Path, digest: Digest) -> bool:
        """Removes the digest's file if it is the source's inode; see `BlobStore.withdraw`."""
        mine, stored = _stat(source), _stat(self._layout.blob(digest))
        if mine is None or stored is None or not os.path.samestat(mine, stored):
            return False
        return self.remove(digest)

    def remove(self, digest: Digest) -> bool:
        """Unlinks the digest's file; who has it open reads on. See `BlobStore.remove`."""
        path = self._layout.blob(digest)
        with translated():
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            _remove_empty(path.parent)
        return True

    def check(self, digest: Digest) -> Check | None:
        """Hashes the digest's file again; see `BlobStore.check`."""
        with translated():
            try:
                stream = self._layout.blob(digest).open("rb", buffering=0)
            except (FileNotFoundError, NotADirectoryError):
                return None
            with stream:
                version = _version(os.fstat(stream.fileno()))
                hasher = Hasher.start(digest.algorithm)
                buffer = bytearray(CHECK_BYTES)
                while count := stream.readinto(buffer):
                    hasher.update(memoryview(buffer)[:count])
        return Check(digest, hasher.size_bytes, hasher.digest() == digest, version)

    def quarantine(self, check: Check) -> bool:
        """Moves the file that was read to the quarantine's folder; see `BlobStore.quarantine`."""
        path, aside = self._layout.blob(check.digest), self._layout.aside(check)
        with translated():
            found = _stat(path)
            if found is None or _version(found) != check.version:
                return False
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)
            for folder in (path.parent, aside.parent, aside.parent.parent):
                sync_folder(folder)
            _remove_empty(path.parent)
        return True

    def iterate(self) -> Iterator[Stored]:
        """The stored digests in order; what vanishes meanwhile is left out."""
        with translated():
            for digest in self._layout.digests():
                size = self.stat(digest)
                if size is not None:
                    yield Stored(digest, size)

    def _link(self, source: Path, path: Path) -> None:
        folder = path.parent
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                _place(source, path)
                sync_folder(folder)
            except (FileNotFoundError, FileExistsError):
                if not source.exists() or (folder.exists() and not folder.is_dir()):
                    raise
                # A removal of the same digest took the folder away between two of the calls, or within `mkdir`.
                continue
            break
        sync_folder(folder.parent)
        self._sync_above(folder.parent)

    def _sync_above(self, folder: Path) -> None:
        """Syncs the names of `folder` and of those above it, up to the data folder, once a process for each.

        That a folder is there already does not show that its name is on disk: another process may just have made it.
        """
        for named in (folder, *folder.parents):
            if named in self._named or named == self._data:
                return
            sync_folder(named.parent)
            self._named.add(named)


def _place(source: Path, path: Path) -> None:
    try:
        path.hardlink_to(source)
    except FileExistsError:
        if path.samefile(source):
            return
        replacement = source.with_name(REPLACEMENT)
        replacement.unlink(missing_ok=True)
        replacement.hardlink_to(source)
        replacement.replace(path)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise translation(error) from error


def _version(found: os.stat_result) -> str:
    """Names one content of one file: a new link, a rewrite or a repair gives another."""
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}"


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()  # another name in it, or another process, keeps it
