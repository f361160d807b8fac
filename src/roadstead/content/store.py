"""What every content store can do: a disk now, object stores later.

Nothing here is awaited but the reading of bytes: the calls of one digest are a few system calls on a disk. They are
made inside a write transaction of the index where the text says so, so that what decides who needs a digest, and
what removes it, cannot pass each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roadstead.core.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Stored:
    """One digest in the store."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Check:
    """What reading a digest's bytes back has shown.

    Args:
        intact: the bytes have the digest.
        version: names the very bytes that were read, so that only they are quarantined.
    """

    digest: Digest
    size_bytes: int
    intact: bool
    version: str


class Content(Protocol):
    """The bytes of one digest, open for reading."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""

    def read(self, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """`length` bytes from `start` (all that follow it for None), at most 1 MiB at a time.

        Raises:
            CorruptContent: they end before that.
            Unavailable: the store fails.
        """


class BlobStore(Protocol):
    """Bytes under the name of their digest. All calls raise Unavailable when the store fails."""

    def stat(self, digest: Digest) -> int | None:
        """The size in bytes of what is stored for `digest`; None if nothing is.

        A size that is not the index's means that the file was cut short: the caller answers as if nothing was there.
        """

    def path(self, digest: Digest) -> Path | None:
        """The file with the bytes, for a server that sends files itself; None where the store has no files."""

    def open(self, digest: Digest) -> AbstractAsyncContextManager[Content]:
        """The bytes of `digest`, which stay readable while open, whatever is removed or replaced meanwhile.

        Raises:
            UnknownBlob: nothing is stored for it.
        """

    def publish(self, source: Path, digest: Digest) -> None:
        """Makes the bytes of `source`, verified and synced, what is stored for `digest`, durably; idempotent.

        It replaces what is there: a file cut short or corrupted is healed by the next push.

        Raises:
            StorageFull: the store is full.
        """

    def withdraw(self, source: Path, digest: Digest) -> bool:
        """Removes what is stored for `digest` if it is what `publish(source, digest)` put there; whether it did."""

    def remove(self, digest: Digest) -> bool:
        """Removes what is stored for `digest`; whether there was anything. Called inside a write transaction."""

    def check(self, digest: Digest) -> Check | None:
        """Reads the bytes back and hashes them; None if nothing is stored. Takes as long as that takes."""

    def quarantine(self, check: Check) -> bool:
        """Puts aside the bytes that `check` has read, for the operator to look at; whether it did.

        False when others have taken their place meanwhile. Called inside a write transaction.
        """

    def iterate(self) -> Iterator[Stored]:
        """What is stored, one at a time, in the order of the digests."""
