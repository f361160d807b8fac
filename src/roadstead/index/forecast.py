"""What a garbage collection would free now, counted by the conditions that it uses, within one read.

Each step of a collection makes garbage for the next one. So that a forecast sees that too, what would be left is kept
in temporary tables, and the next step's condition is asked of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index import garbage
from roadstead.index.dialects import exists
from roadstead.index.garbage import Rules
from roadstead.index.liveness import dead, find_dead
from roadstead.index.tables import (
    Identity,
    blobs,
    claims,
    links,
    manifest_contents,
    manifest_references,
    manifests,
    pds_blobs,
    pds_events,
    refresh_tokens,
)

_scratch: Final = sa.MetaData()


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(f"scratch_{name}", _scratch, *columns, prefixes=["TEMPORARY"])


def _repository_id() -> sa.Column[int]:
    return sa.Column("repository_id", Identity, primary_key=True, autoincrement=False)


_named: Final = _table("named", _repository_id(), sa.Column("child", sa.Text, primary_key=True))
_cut: Final = _table("cut", _repository_id(), sa.Column("digest", sa.Text, primary_key=True))
_rights: Final = _table("rights", sa.Column("digest", sa.Text, primary_key=True))
_present: Final = _table("present", sa.Column("sha256", sa.Text, primary_key=True))
_kept: Final = _table("kept", sa.Column("sha256", sa.Text, primary_key=True))


@dataclass(frozen=True, slots=True)
class Forecast:
    """How much of each kind would go."""

    manifests: int
    links: int
    blobs: int
    blob_bytes: int
    contents: int
    content_bytes: int
    pds_blobs: int
    claims: int
    tokens: int
    events: int
    by_repository: tuple[tuple[int, int, int], ...]
    """(repository id, links, their blobs' bytes), the most bytes first; a blob that others have too is counted."""


def forecast(connection: Connection, rules: Rules, top: int) -> Forecast:
    """Counts what is garbage. Takes as long as finding it.

    Args:
        top: for how many repositories at most the links are told apart.
    """
    find_dead(connection, rules)
    _scratch.create_all(connection)
    _leave_manifests(connection)
    needless = sa.select(links.c.repository_id, links.c.digest).where(garbage.is_needless_link(rules, _named))
    connection.execute(_cut.insert().from_select(list(_cut.c), needless))
    cut = exists(_cut.c.repository_id == links.c.repository_id, _cut.c.digest == links.c.digest)
    connection.execute(_rights.insert().from_select(["digest"], sa.select(links.c.digest).where(~cut).distinct()))
    blob_count, blob_bytes = _sum(connection, blobs, blobs.c.size_bytes, garbage.is_needless_blob(rules, _rights))
    content_count, content_bytes = _sum(
        connection,
        manifest_contents,
        sa.func.length(manifest_contents.c.body),
        garbage.is_needless_content(rules, _present, _kept),
    )
    return Forecast(
        manifests=_count(connection, dead),
        links=_count(connection, _cut),
        blobs=blob_count,
        blob_bytes=blob_bytes,
        contents=content_count,
        content_bytes=content_bytes,
        pds_blobs=_count(connection, pds_blobs, garbage.is_needless_pds_blob(rules)),
        claims=_count(connection, claims, garbage.is_ended_claim(rules)),
        tokens=_count(connection, refresh_tokens, garbage.is_ended_token(rules)),
        events=_count(connection, pds_events, garbage.is_old_event(rules)),
        by_repository=_by_repository(connection, top),
    )


def _leave_manifests(connection: Connection) -> None:
    """Fills the tables of what is left when the dead manifests are gone."""
    is_dead = exists(dead.c.repository_id == manifests.c.repository_id, dead.c.digest == manifests.c.digest)
    of_dead = exists(
        dead.c.repository_id == manifest_references.c.repository_id, dead.c.digest == manifest_references.c.parent
    )
    names = sa.select(manifest_references.c.repository_id, manifest_references.c.child).where(~of_dead).distinct()
    connection.execute(_named.insert().from_select(list(_named.c), names))
    present = sa.select(manifests.c.sha256).where(~is_dead).distinct()
    connection.execute(_present.insert().from_select(["sha256"], present))
    # A PDS has a manifest's bytes for its record, which goes with it.
    recorded = exists(manifests.c.sha256 == pds_blobs.c.sha256, is_dead)
    kept = sa.select(pds_blobs.c.sha256).where(~recorded).distinct()
    connection.execute(_kept.insert().from_select(["sha256"], kept))


def _by_repository(connection: Connection, top: int) -> tuple[tuple[int, int, int], ...]:
    size = sa.func.sum(blobs.c.size_bytes)
    query = (
        sa.select(_cut.c.repository_id, sa.func.count(), size)
        .join(blobs, blobs.c.digest == _cut.c.digest)
        .group_by(_cut.c.repository_id)
        .order_by(size.desc(), _cut.c.repository_id)
        .limit(top)
    )
    return tuple((row[0], row[1], int(row[2])) for row in connection.execute(query))


def _count(connection: Connection, table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table).where(*which)).scalar_one()


def _sum(
    connection: Connection, table: sa.Table, size: sa.ColumnElement[int], which: sa.ColumnElement[bool]
) -> tuple[int, int]:
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(size), 0)).select_from(table).where(which)
    row = connection.execute(query).one()
    return row[0], int(row[1])
