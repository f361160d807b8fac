"""Upload sessions on disk (OCI distribution-spec v1.1, Pushing blobs): a folder each, any process continues any.

    uploads/<id>/data       the bytes
    uploads/<id>/state      how far they count, the hash until there, and the digest they were published under

**Bytes.** The state is renamed into place after the bytes it counts, so that a process killed at any line leaves
bytes beyond the offset at most, which the next one cuts off. Nothing is synced before the end: what a machine's
crash may have taken shows in another boot id, and the bytes that are there are then hashed once more. A session is
locked (flock) while a request has it open.

**Publishing.** `Upload.verify` syncs the bytes, checks the digest, writes it into the state, and only then has the
store link them under it. The registry then, in one write transaction, first writes the digest's row, then calls
`Uploads.publish`, which looks that the file is there and puts it there again where a garbage collection, which unlinks
inside a transaction of its own, came in between. Whoever sees the row finds the file. After the commit, `finish`.

**What is left behind.** A process killed between the link and the commit leaves a stored file without a row. The
session's state names it, and `sweep` withdraws it, inside a write transaction, if the index does not know the digest
and the file is this session's own inode: what somebody else has put there is never taken.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from roadstead.content.store import BlobStore
from roadstead.core.digest import DEFAULT_ALGORITHM, Digest


@dataclass(frozen=True, slots=True)
class Verified:
    """The bytes of a session, which have their digest, are on disk and in the store."""

    upload_id: str
    digest: Digest
    size_bytes: int


class Upload:
    """One session, open and locked for one request. `Uploads.open` gives it."""

    upload_id: str

    @property
    def offset(self) -> int:
        """How many bytes the session holds: where the next chunk has to start."""
        raise NotImplementedError

    async def receive(self, chunks: AsyncIterable[bytes], *, expected_bytes: int | None = None) -> int:
        """Appends `chunks`, hashed and written as they arrive; the new offset.

        An exception that `chunks` raises (the client is gone) passes through; what arrived before it is kept.

        Args:
            chunks: the body's pieces. Two batches of about 1 MiB are in memory at most.
            expected_bytes: how many they have to be, where a Content-Range says so.

        Raises:
            InvalidUpload: they are not as many; the session is where it was before.
            StorageFull: the session is left where the last whole batch ended, and can go on.
            Unavailable: the disk fails; likewise.
        """
        raise NotImplementedError

    async def verify(self, expected: Digest) -> Verified:
        """Checks the session's bytes against `expected`, and has them in the store, durably.

        Can be called again after a failure of what follows it, also by another process.

        Raises:
            InvalidDigest: they have another digest; the session is cancelled (OCI: DIGEST_INVALID).
            StorageFull, Unavailable: they could not be synced; the session is cancelled, as what the disk has
                of them is not known.
        """
        raise NotImplementedError


class Uploads:
    """The sessions below one folder.

    Args:
        folder: where the sessions lie, on the store's file system: `DATA/uploads`.
        store: where they are published.
        shared: whether other machines continue sessions too (replicas on one network file system). Each request's
            bytes are then synced before it is answered, so that the state counts after any machine's crash.
        wait_s: how long `open` waits for another request that has the session.
    """

    def __init__(self, folder: Path, store: BlobStore, *, shared: bool = False, wait_s: float = 2.0) -> None:
        raise NotImplementedError

    async def create(self, upload_id: str, algorithm: str = DEFAULT_ALGORITHM) -> None:
        """Begins an empty session.

        Args:
            upload_id: 1 to 128 letters, digits, `-` and `_`, chosen by the caller and not used before.
            algorithm: the digest that is expected at the end (`digest-algorithm`); another one costs reading back.

        Raises:
            InvalidDigest: the algorithm is not supported.
            Conflict: there is such a session.
            StorageFull, Unavailable: the disk is full or fails.
        """
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def open(self, upload_id: str) -> AsyncIterator[Upload]:
        """The session, locked until the end of the block.

        Raises:
            UnknownUpload: there is none.
            Conflict: another request has it open for longer than `wait_s`.
        """
        raise NotImplementedError
        yield

    async def offset(self, upload_id: str) -> int:
        """How many bytes the session holds, without locking it (GET of a session; a PATCH may be under way).

        Raises:
            UnknownUpload: there is none.
        """
        raise NotImplementedError

    async def receive_whole(self, upload_id: str, expected: Digest, chunks: AsyncIterable[bytes]) -> Verified:
        """A blob in one request (POST with `digest`): `create`, `receive` and `verify` in one, quickest when small.

        Nothing is left behind when it fails; nobody can continue such an upload.

        Raises:
            InvalidDigest, Conflict, StorageFull, Unavailable: as they do.
        """
        raise NotImplementedError

    def publish(self, verified: Verified) -> None:
        """Makes sure that the store has the bytes, inside the write transaction that makes them known.

        Called after that transaction has written the digest's row (on PostgreSQL the row's lock is what keeps a
        garbage collection out). It is one `stat`, unless a garbage collection came since `verify`. Idempotent.

        Raises:
            StorageFull, Unavailable: the disk is full or fails.
        """
        raise NotImplementedError

    async def finish(self, verified: Verified) -> None:
        """Ends a session after the commit that made its bytes known. Losing this call costs nothing but a sweep."""
        raise NotImplementedError

    async def cancel(self, upload_id: str) -> None:
        """Ends a session that is not wanted any more (DELETE of a session); no error if there is none.

        What it may have published without making it known is left to `sweep`.

        Raises:
            Conflict: a request has it open for longer than `wait_s`.
        """
        raise NotImplementedError

    def idle(self, before_ms: int) -> Iterator[str]:
        """The sessions with no activity since `before_ms` (milliseconds since 1970), also those only half removed."""
        raise NotImplementedError

    def sweep(self, upload_id: str, is_known: Callable[[Digest], bool]) -> bool:
        """Ends an idle session, and withdraws what it published if nobody knows it; inside a write transaction.

        Args:
            is_known: whether the index has a row for a digest, asked in the same transaction.

        Returns:
            False if a request has the session open.
        """
        raise NotImplementedError
