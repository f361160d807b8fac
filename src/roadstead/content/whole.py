"""A small blob in one request: stored in one go, without a session in between."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path

from roadstead.content.intake import BATCH_BYTES
from roadstead.content.session import Session, Terms
from roadstead.content.store import BlobStore
from roadstead.core.oci.digest import Digest


async def gathered(chunks: AsyncIterable[bytes]) -> tuple[list[bytes], bool]:
    """The first pieces, at least a batch of them if there are as many, and whether they are all."""
    pieces: list[bytes] = []
    size = 0
    async for piece in chunks:
        pieces.append(piece)
        size += len(piece)
        if size > BATCH_BYTES:
            return pieces, False
    return pieces, True


async def chained(pieces: list[bytes], rest: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """`pieces`, let go of one by one, then the `rest`."""
    pieces.reverse()
    while pieces:
        yield pieces.pop()
    async for piece in rest:
        yield piece


def store_whole(folder: Path, terms: Terms, pieces: Sequence[bytes], expected: Digest, store: BlobStore) -> int:
    """Has `pieces` in the store, durably; their size. Nothing but what a sweep needs is left when it fails."""
    session = Session.create(folder, terms, expected.algorithm)
    try:
        session.append(pieces)
        return session.verify(expected, store)
    except BaseException:
        session.cancel()
        raise
    finally:
        session.close()
