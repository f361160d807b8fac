"""One session for one request: what the event loop may call. `uploads` opens it."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass

from roadstead.content.intake import Intake, Threads
from roadstead.content.session import Session
from roadstead.content.store import BlobStore
from roadstead.core.errors import InvalidUpload
from roadstead.core.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Verified:
    """The bytes of a session, which have their digest, are on disk and in the store."""

    upload_id: str
    digest: Digest
    size_bytes: int


class Upload:
    """One session, open and locked for one request. `Uploads.open` gives it."""

    def __init__(self, upload_id: str, session: Session, store: BlobStore, threads: Threads) -> None:
        self.upload_id = upload_id
        self._session = session
        self._store = store
        self._threads = threads

    @property
    def offset(self) -> int:
        """How many bytes the session holds: where the next chunk has to start."""
        return self._session.offset

    async def receive(self, chunks: AsyncIterable[bytes], *, expected_bytes: int | None = None) -> int:
        """Appends `chunks`, hashed and written as they arrive; the new offset.

        An exception that `chunks` raises (the client is gone) passes through; what arrived before it is kept.

        Args:
            chunks: the body's pieces. Two batches of about 1 MiB are in memory at most.
            expected_bytes: how many they have to be, where a Content-Range says so.

        Raises:
            InvalidUpload: they are not as many, or the session was verified before; it is where it was.
            StorageFull: the session is left where the last whole batch ended, and can go on.
            Unavailable: the disk fails; likewise.
        """
        mark = None if expected_bytes is None else self._session.mark()
        intake = Intake(self._session, self._threads)
        try:
            async for piece in chunks:
                await intake.add(piece)
                if expected_bytes is not None and intake.received_bytes > expected_bytes:
                    break
        except BaseException:
            await intake.finish()
            raise
        await intake.finish()
        if mark is not None and intake.received_bytes != expected_bytes:
            await self._threads.run(self._session.rewind, mark)
            raise InvalidUpload(f"the chunk has another length than the {expected_bytes} bytes that its range says")
        return self.offset

    async def verify(self, expected: Digest) -> Verified:
        """Checks the session's bytes against `expected`, and has them in the store, durably.

        Can be called again after a failure of what follows it, also by another process.

        Raises:
            InvalidDigest: they have another digest; the session is cancelled (OCI: DIGEST_INVALID).
            StorageFull, Unavailable: they could not be synced; the session is cancelled, as what the disk has
                of them is not known.
        """
        size = await self._threads.run(self._session.verify, expected, self._store)
        return Verified(self.upload_id, expected, size)
