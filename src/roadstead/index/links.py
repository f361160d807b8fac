"""Rows of blobs and of the links that give a repository the right to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import Put, locked
from roadstead.index.tables import blobs, links

CHUNK: Final = 500
"""Digests in one IN list: SQLite allows 32,766 parameters, and plans small lists better."""


@dataclass(frozen=True, slots=True)
class LinkedBlob:
    """A blob as a repository sees it."""

    size_bytes: int
    seen_at_ms: int


_ONE: Final = (
    sa.select(blobs.c.size_bytes, links.c.seen_at_ms)
    .join_from(links, blobs)
    .where(
        links.c.repository_id == sa.bindparam("repository_id"),
        links.c.digest == sa.bindparam("digest"),
        blobs.c.quarantined_at_ms.is_(None),
    )
)

_SOUND: Final = (
    sa.select(links.c.digest)
    .join_from(links, blobs)
    .where(
        links.c.repository_id == sa.bindparam("repository_id"),
        links.c.digest.in_(sa.bindparam("digests", expanding=True)),
        blobs.c.quarantined_at_ms.is_(None),
    )
)
_PUT_BLOB: Final = Put(blobs, key=("digest",), fresh=("size_bytes", "verified_at_ms", "quarantined_at_ms"))
_PUT_LINK: Final = Put(links, key=("repository_id", "digest"), fresh=("seen_at_ms",))


def linked(connection: Connection, repository_id: int, digest: str) -> LinkedBlob | None:
    """The blob, if the repository has a link to it and it is sound as far as is known."""
    row = connection.execute(_ONE, {"repository_id": repository_id, "digest": digest}).first()
    return LinkedBlob(*row) if row else None


def missing(connection: Connection, repository_id: int, digests: Iterable[str]) -> list[str]:
    """Those of `digests` that the repository has no link to, in their order.

    Within a write on PostgreSQL the links that are there stay until its end: a garbage collection passes them over.
    """
    wanted = list(dict.fromkeys(digests))
    found: set[str] = set()
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        query = locked(connection, _SOUND, links)
        found.update(connection.execute(query, {"repository_id": repository_id, "digests": part}).scalars())
    return [digest for digest in wanted if digest not in found]


def put_blob(connection: Connection, digest: str, size_bytes: int, now_ms: int, origin: str = "pushed") -> None:
    """Says that the hold has this blob, whole and verified just now."""
    row = {
        "digest": digest,
        "size_bytes": size_bytes,
        "created_at_ms": now_ms,
        "origin": origin,
        "verified_at_ms": now_ms,
        "quarantined_at_ms": None,
    }
    _PUT_BLOB(connection, row)


def link(connection: Connection, repository_id: int, digest: str, now_ms: int) -> None:
    """Gives the repository the right to a blob that is there; renews it where it had it."""
    row = {"repository_id": repository_id, "digest": digest, "created_at_ms": now_ms, "seen_at_ms": now_ms}
    _PUT_LINK(connection, row)


def renew(connection: Connection, repository_id: int, digest: str, now_ms: int) -> bool:
    """Notes that a client is told that the blob is here, and so may name it in a manifest soon; False if it is not."""
    seen = links.update().where(links.c.repository_id == repository_id, links.c.digest == digest)
    return connection.execute(seen.values(seen_at_ms=now_ms)).rowcount > 0


def unlink(connection: Connection, repository_id: int, digest: str) -> bool:
    """Takes the right away; whether there was one. The blob itself is garbage collection's."""
    gone = links.delete().where(links.c.repository_id == repository_id, links.c.digest == digest)
    return connection.execute(gone).rowcount > 0


def repositories_with(connection: Connection, digest: str, limit: int) -> list[int]:
    """Ids of repositories that have a link to the digest, oldest first."""
    query = (
        sa.select(links.c.repository_id)
        .join_from(links, blobs)
        .where(links.c.digest == digest, blobs.c.quarantined_at_ms.is_(None))
        .order_by(links.c.created_at_ms)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def sound(connection: Connection, digest: str) -> int | None:
    """The size in bytes of a blob that is sound as far as is known, whoever has the right to it."""
    query = sa.select(blobs.c.size_bytes).where(blobs.c.digest == digest, blobs.c.quarantined_at_ms.is_(None))
    found: int | None = connection.execute(query).scalar()
    return found
