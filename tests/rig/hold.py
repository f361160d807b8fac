"""A content store and its uploads in one folder, for tests that are not async: every call runs to its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from roadstead.content.disk import DiskStore
from roadstead.content.upload import Verified
from roadstead.content.uploads import Uploads
from roadstead.core.oci.digest import DEFAULT_ALGORITHM, Digest

T = TypeVar("T")

ALL_IDLE_MS = 2**62 // 1_000_000
"""A moment after which no session was ever touched."""


class ClientGone(Exception):
    """What a body raises when its sender goes away."""


class Hold:
    """One process's view of a data folder. Several on one folder are like several processes on it."""

    def __init__(self, data: Path, **terms: Any) -> None:
        self.data = data
        self.store = DiskStore(data)
        self.uploads = Uploads(data / "uploads", self.store, **terms)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.close()
        self.uploads.close()

    def create(self, upload_id: str, algorithm: str = DEFAULT_ALGORITHM) -> None:
        self.run(self.uploads.create(upload_id, algorithm))

    def offset(self, upload_id: str) -> int:
        return self.run(self.uploads.offset(upload_id))

    def receive(
        self,
        upload_id: str,
        data: bytes,
        *,
        pieces_of: int = 65536,
        gone: bool = False,
        expected_bytes: int | None = None,
    ) -> int:
        """Sends `data` as one request's body; with `gone`, the sender goes away at its end."""

        async def request() -> int:
            async with self.uploads.open(upload_id) as upload:
                return await upload.receive(body(data, pieces_of, gone=gone), expected_bytes=expected_bytes)

        return self.run(request())

    def verify(self, upload_id: str, expected: Digest) -> Verified:
        async def request() -> Verified:
            async with self.uploads.open(upload_id) as upload:
                return await upload.verify(expected)

        return self.run(request())

    def receive_whole(self, upload_id: str, expected: Digest, data: bytes, **how: Any) -> Verified:
        return self.run(self.uploads.receive_whole(upload_id, expected, body(data, **how)))

    def push(self, data: bytes, upload_id: str = "push", algorithm: str = DEFAULT_ALGORITHM) -> Digest:
        """A whole upload, made known and finished."""
        verified = self.receive_whole(upload_id, Digest.of(data, algorithm), data)
        self.uploads.publish(verified)
        self.run(self.uploads.finish(verified))
        return verified.digest

    def read(self, digest: Digest, start: int = 0, length: int | None = None) -> bytes:
        async def request() -> bytes:
            async with self.store.open(digest) as content:
                return b"".join([piece async for piece in content.read(start, length)])

        return self.run(request())

    def stored(self) -> dict[Digest, int]:
        return {one.digest: one.size_bytes for one in self.store.iterate()}

    def sweep(self, is_known: Callable[[Digest], bool] = lambda _digest: False) -> None:
        for upload_id in list(self.uploads.idle(ALL_IDLE_MS)):
            assert self.uploads.sweep(upload_id, is_known)

    def sessions(self) -> list[str]:
        return sorted(path.name for path in (self.data / "uploads").iterdir())


async def body(data: bytes, pieces_of: int = 65536, *, gone: bool = False) -> AsyncIterator[bytes]:
    """`data` as a request's body."""
    for start in range(0, len(data), pieces_of):
        yield data[start : start + pieces_of]
    if gone:
        raise ClientGone


def patterned(size_bytes: int) -> bytes:
    """Bytes of which no two parts are alike, the same every time."""
    return b"".join(index.to_bytes(4, "big") for index in range(size_bytes // 4 + 1))[:size_bytes]
