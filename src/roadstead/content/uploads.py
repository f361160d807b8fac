"""Upload sessions on disk (OCI distribution-spec v1.1, Pushing blobs): a folder each, any process continues any.

    uploads/<id>/data       the bytes
    uploads/<id>/state      how far they count, the hash until there, and the digest they were published under

**Bytes.** The state is written after the bytes that it counts, so that a process killed at any line leaves
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

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from roadstead.content import remains
from roadstead.content.failures import translated
from roadstead.content.folder import data_path, remove
from roadstead.content.intake import Threads, settled
from roadstead.content.session import Session, Terms
from roadstead.content.state import State, boot_id, saved_at_ns
from roadstead.content.store import BlobStore
from roadstead.content.upload import Upload, Verified
from roadstead.content.whole import chained, gathered, store_whole
from roadstead.core.errors import Conflict, RoadsteadError, UnknownUpload
from roadstead.core.oci.digest import DEFAULT_ALGORITHM, Digest, check_algorithm

THREADS: Final = 8
"""How many sessions of one process write or hash at the same time; more gain nothing on a few cores."""

FIRST_PAUSE_S: Final = 0.01
LONGEST_PAUSE_S: Final = 0.2
"""Between two attempts at a session that another request has."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Uploads:
    """The sessions below one folder.

    Args:
        folder: where the sessions lie, on the store's file system: `DATA/uploads`.
        store: where they are published.
        shared: whether other machines continue sessions too (replicas on one network file system). Each request's
            bytes are then synced before it is answered, so that the state counts after any machine's crash.
        wait_s: how long `open` waits for another request that has the session.
        boot: names this run of the machine; None asks the system.
    """

    def __init__(
        self,
        folder: Path,
        store: BlobStore,
        *,
        shared: bool = False,
        wait_s: float = 2.0,
        boot: str | None = None,
    ) -> None:
        self._root = folder
        self._store = store
        self._wait_s = wait_s
        self._terms = Terms(boot_id() if boot is None else boot, shared)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="upload")
        self._threads = Threads(self._executor)
        folder.mkdir(parents=True, exist_ok=True)

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
        check_algorithm(algorithm)
        await self._threads.run(_create, self._folder(upload_id), self._terms, algorithm)

    @contextlib.asynccontextmanager
    async def open(self, upload_id: str) -> AsyncIterator[Upload]:
        """The session, locked until the end of the block.

        Raises:
            UnknownUpload: there is none.
            Conflict: another request has it open for longer than `wait_s`.
        """
        session = await self._opened(upload_id)
        try:
            yield Upload(upload_id, session, self._store, self._threads)
        finally:
            session.close()

    async def offset(self, upload_id: str) -> int:
        """How many bytes the session holds, without locking it (GET of a session; a PATCH may be under way).

        Raises:
            UnknownUpload: there is none.
        """
        return await self._threads.run(_offset, self._folder(upload_id))

    async def receive_whole(self, upload_id: str, expected: Digest, chunks: AsyncIterable[bytes]) -> Verified:
        """A blob in one request (POST with `digest`): `create`, `receive` and `verify` in one, quickest when small.

        Nothing is left behind when it fails; nobody can continue such an upload.

        Raises:
            InvalidDigest, Conflict, StorageFull, Unavailable: as they do.
        """
        rest = aiter(chunks)
        pieces, ended = await gathered(rest)
        folder = self._folder(upload_id)
        if ended:
            size = await self._threads.run(store_whole, folder, self._terms, pieces, expected, self._store)
            return Verified(upload_id, expected, size)
        await self.create(upload_id, expected.algorithm)
        try:
            async with self.open(upload_id) as upload:
                await upload.receive(chained(pieces, rest))
                return await upload.verify(expected)
        except BaseException:
            with contextlib.suppress(RoadsteadError):
                await self.cancel(upload_id)
            raise

    def publish(self, verified: Verified) -> None:
        """Makes sure that the store has the bytes, inside the write transaction that makes them known.

        Called after that transaction has written the digest's row (on PostgreSQL the row's lock is what keeps a
        garbage collection out). It is one `stat`, unless a garbage collection came since `verify`. Idempotent.

        Raises:
            StorageFull, Unavailable: the disk is full or fails.
        """
        if self._store.stat(verified.digest) != verified.size_bytes:
            self._store.publish(data_path(self._folder(verified.upload_id)), verified.digest)

    async def finish(self, verified: Verified) -> None:
        """Ends a session after the commit that made its bytes known. Losing this call costs nothing but a sweep."""
        with translated():
            await self._threads.run(remove, self._folder(verified.upload_id))

    async def cancel(self, upload_id: str) -> None:
        """Ends a session that is not wanted any more (DELETE of a session); no error if there is none.

        What it may have published without making it known is left to `sweep`.

        Raises:
            Conflict: a request has it open for longer than `wait_s`.
        """
        with contextlib.suppress(UnknownUpload):
            session = await self._opened(upload_id)
            try:
                await self._threads.run(session.cancel)
            finally:
                session.close()

    def idle(self, before_ms: int) -> Iterator[str]:
        """The sessions with no activity since `before_ms` (milliseconds since 1970), also those only half removed."""
        with translated(), os.scandir(self._root) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if _ID.fullmatch(entry.name) and saved_at_ns(Path(entry)) < before_ms * 1_000_000:
                        yield entry.name

    def sweep(self, upload_id: str, is_known: Callable[[Digest], bool]) -> bool:
        """Ends an idle session, and withdraws what it published if nobody knows it; inside a write transaction.

        Args:
            is_known: whether the index has a row for a digest, asked in the same transaction.

        Returns:
            False if a request has the session open.
        """
        with translated():
            return remains.sweep(self._folder(upload_id), self._store, is_known)

    def close(self) -> None:
        """Finishes what its threads do."""
        self._executor.shutdown()

    def _folder(self, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id):
            raise UnknownUpload("there is no such upload session")
        return self._root / upload_id

    async def _opened(self, upload_id: str) -> Session:
        folder = self._folder(upload_id)
        until = asyncio.get_running_loop().time() + self._wait_s
        pause_s = FIRST_PAUSE_S
        while (session := await self._open_now(folder)) is None:
            if asyncio.get_running_loop().time() > until:
                raise Conflict(f"another request has the upload session {upload_id}", remedy="try again after it")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return session

    async def _open_now(self, folder: Path) -> Session | None:
        opening = self._threads.start(Session.open, folder, self._terms)
        try:
            return await settled(opening)
        except asyncio.CancelledError:
            opened = None if opening.cancelled() or opening.exception() else opening.result()
            if opened is not None:
                opened.close()
            raise


def _create(folder: Path, terms: Terms, algorithm: str) -> None:
    session = Session.create(folder, terms, algorithm)
    try:
        session.save()
    except BaseException:
        session.remove()
        raise
    finally:
        session.close()


def _offset(folder: Path) -> int:
    with translated():
        state = State.load(folder)
        try:
            size = data_path(folder).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            state = None
    if state is None or state.closed:
        raise UnknownUpload("there is no such upload session")
    return min(size, state.offset)
