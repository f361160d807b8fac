"""Rows of blobs as a check of their bytes reads and marks them, and of manifests' bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.database import touch
from roadstead.index.dialects import exists
from roadstead.index.tables import accounts, blobs, links, manifest_contents, manifests


@dataclass(frozen=True, slots=True)
class Due:
    """A blob that was not read back for long."""

    digest: str
    size_bytes: int
    verified_at_ms: int


def due_count(connection: Connection, before_ms: int, repository_id: int | None) -> tuple[int, int]:
    """How many sound blobs were last verified before then, and how many bytes they have."""
    size = sa.func.coalesce(sa.func.sum(blobs.c.size_bytes), 0)
    query = sa.select(sa.func.count(), size).where(*_which(before_ms, repository_id))
    row = connection.execute(query).one()
    return row[0], int(row[1])


def due(
    connection: Connection, before_ms: int, repository_id: int | None, after: tuple[int, str], limit: int
) -> list[Due]:
    """Sound blobs last verified before then, those first that were not for longest.

    Args:
        repository_id: only blobs that this repository has; None for all.
        after: (verified_at_ms, digest) of the last one seen.
    """
    key = sa.tuple_(blobs.c.verified_at_ms, blobs.c.digest)
    query = sa.select(blobs.c.digest, blobs.c.size_bytes, blobs.c.verified_at_ms)
    query = query.where(key > after, *_which(before_ms, repository_id))
    rows = connection.execute(query.order_by(blobs.c.verified_at_ms, blobs.c.digest).limit(limit))
    return [Due(*row) for row in rows]


def mark_verified(connection: Connection, digests: Sequence[str], at_ms: int) -> None:
    """Notes that the blobs' bytes were read back and have their digests."""
    connection.execute(blobs.update().where(blobs.c.digest.in_(digests)).values(verified_at_ms=at_ms))


def lock_blob(connection: Connection, digest: str) -> int | None:
    """The size that a sound blob should have, its row locked until the end; None if it is not there any more."""
    query = sa.select(blobs.c.size_bytes).where(blobs.c.digest == digest, blobs.c.quarantined_at_ms.is_(None))
    found: int | None = connection.execute(query.with_for_update()).scalar()
    return found


def mark_quarantined(connection: Connection, digest: str, at_ms: int) -> None:
    """Has the blob answered as absent by every repository, until a push heals it."""
    connection.execute(blobs.update().where(blobs.c.digest == digest).values(quarantined_at_ms=at_ms))
    for repository_id in connection.execute(sa.select(links.c.repository_id).where(links.c.digest == digest)).scalars():
        touch(connection, repository_id)


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a manifest; `key` is where the next page goes on."""

    key: str
    sha256: str
    body: bytes


def contents_page(connection: Connection, repository_id: int | None, after: str, limit: int) -> list[Content]:
    """Manifests' bytes that come after a key.

    Args:
        repository_id: only of manifests that this repository has; None for all.
    """
    key: sa.Column[str] = manifest_contents.c.sha256
    query = sa.select(key, manifest_contents.c.sha256, manifest_contents.c.body)
    if repository_id is not None:
        key = manifests.c.digest
        query = sa.select(key, manifest_contents.c.sha256, manifest_contents.c.body).join_from(
            manifests, manifest_contents
        )
        query = query.where(manifests.c.repository_id == repository_id)
    rows = connection.execute(query.where(key > after).order_by(key).limit(limit))
    return [Content(row[0], row[1], bytes(row[2])) for row in rows]


def known(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of `digests` that have a row."""
    return set(connection.execute(sa.select(blobs.c.digest).where(blobs.c.digest.in_(digests))).scalars())


def account_names(connection: Connection) -> list[tuple[int, str]]:
    """Every account's id and name."""
    return [(row.id, row.name) for row in connection.execute(sa.select(accounts.c.id, accounts.c.name))]


def _which(before_ms: int, repository_id: int | None) -> list[sa.ColumnElement[bool]]:
    which = [blobs.c.verified_at_ms < before_ms, blobs.c.quarantined_at_ms.is_(None)]
    if repository_id is not None:
        linked = exists(links.c.repository_id == repository_id, links.c.digest == blobs.c.digest)
        which.append(linked)
    return which
