"""What nothing needs any more, as conditions in SQL, and how a batch of it is removed.

Each kind of garbage is one condition, used three times: to find a page of it, to look again inside the transaction
that removes it, and to count it beforehand (`roadstead.index.forecast`). All of them are answered by an index per row,
so that a whole collection costs what is stored, once, and never each with each.

Removals look again under the writers' turn (SQLite) or with the rows locked (PostgreSQL). There, rows that a push has
locked are passed over: they are in use, and a collection that never waits for a row cannot deadlock with a push.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.database import touch
from roadstead.index.dialects import exists
from roadstead.index.tables import (
    blobs,
    claims,
    links,
    manifest_contents,
    manifest_references,
    manifests,
    pds_blob_references,
    pds_blobs,
    pds_events,
    private_blob_references,
    private_records,
    refresh_tokens,
    uploads,
)
from roadstead.index.turn import take_turn


@dataclass(frozen=True, slots=True)
class Rules:
    """What is old enough to go, seen from one moment.

    Args:
        now_ms: the moment.
        grace_ms: what is younger stays, needed or not.
        untagged_ms: manifests without a tag that are older may go; None: they stay for good.
        backlog_ms: how long the firehose keeps events.
    """

    now_ms: int
    grace_ms: int
    untagged_ms: int | None
    backlog_ms: int

    @property
    def young_ms(self) -> int:
        """What was made or seen since then is within its grace."""
        return self.now_ms - self.grace_ms

    @property
    def untagged_since_ms(self) -> int:
        """Manifests pushed since then stay, tag or not."""
        return self.now_ms - max(self.grace_ms, self.untagged_ms or 0)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a repository, with the size of its blob."""

    repository_id: int
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that the hold has."""

    digest: str
    size_bytes: int


# --- the conditions ---------------------------------------------------------------------------------------


def is_claimed(digest: sa.ColumnElement[str], rules: Rules) -> sa.ColumnElement[bool]:
    """Whether a process said that it needs the digest for now."""
    return exists(claims.c.digest == digest, claims.c.until_ms > rules.now_ms)


def is_needless_link(rules: Rules, names: sa.FromClause = manifest_references) -> sa.ColumnElement[bool]:
    """Whether a row of `links` is garbage.

    Args:
        names: what manifests name, (repository_id, child): of whatever kind, as what an index names as a manifest may
            have been pushed as a blob too.
    """
    named = exists(names.c.repository_id == links.c.repository_id, names.c.child == links.c.digest)
    return sa.and_(links.c.seen_at_ms < rules.young_ms, ~named, ~is_claimed(links.c.digest, rules))


def is_needless_blob(rules: Rules, rights: sa.FromClause = links) -> sa.ColumnElement[bool]:
    """Whether a row of `blobs` is garbage.

    Args:
        rights: what repositories have the right to, (digest).
    """
    linked = exists(rights.c.digest == blobs.c.digest)
    # The hex of a sha512 digest is never equal to one of a sha256.
    sha256 = sa.func.substr(blobs.c.digest, len("sha256:") + 1)
    in_pds = exists(pds_blobs.c.sha256 == sha256)
    # What a hidden record names is published with it one day, and nobody has the bytes but this server.
    hidden = exists(private_blob_references.c.sha256 == sha256)
    return sa.and_(
        blobs.c.created_at_ms < rules.young_ms, ~linked, ~in_pds, ~hidden, ~is_claimed(blobs.c.digest, rules)
    )


def is_needless_content(
    rules: Rules, present: sa.FromClause = manifests, kept: sa.FromClause = pds_blobs
) -> sa.ColumnElement[bool]:
    """Whether a row of `manifest_contents` is garbage, but for records that the index does not have.

    Args:
        present: the manifests, (sha256); `kept`: the blobs of PDS accounts, (sha256).
    """
    indexed = exists(present.c.sha256 == manifest_contents.c.sha256)
    in_pds = exists(kept.c.sha256 == manifest_contents.c.sha256)
    return sa.and_(manifest_contents.c.created_at_ms < rules.young_ms, ~indexed, ~in_pds)


def is_needless_pds_blob(rules: Rules) -> sa.ColumnElement[bool]:
    """Whether a row of `pds_blobs` is garbage: uploaded, and never named by a record, or not any more."""
    named = exists(
        pds_blob_references.c.account_id == pds_blobs.c.account_id, pds_blob_references.c.cid == pds_blobs.c.cid
    )
    return sa.and_(pds_blobs.c.created_at_ms < rules.young_ms, ~named)


def is_ended_claim(rules: Rules) -> sa.ColumnElement[bool]:
    """Whether a row of `claims` has run out."""
    return claims.c.until_ms <= rules.now_ms


def is_ended_token(rules: Rules) -> sa.ColumnElement[bool]:
    """Whether a row of `refresh_tokens` has run out."""
    return refresh_tokens.c.expires_at_ms <= rules.now_ms


def is_old_event(rules: Rules) -> sa.ColumnElement[bool]:
    """Whether a row of `pds_events` is out of the backlog. The newest never is: it says where the stream is."""
    newest = sa.select(sa.func.max(pds_events.c.seq)).scalar_subquery()
    return sa.and_(pds_events.c.at_ms < rules.now_ms - rules.backlog_ms, pds_events.c.seq < newest)


# --- links ------------------------------------------------------------------------------------------------


def links_page(connection: Connection, rules: Rules, after: tuple[int, str], limit: int) -> list[tuple[int, str]]:
    """Garbage among the links, in the order of their keys, after the key `after`."""
    key = sa.tuple_(links.c.repository_id, links.c.digest)
    query = sa.select(links.c.repository_id, links.c.digest).where(key > after, is_needless_link(rules))
    rows = connection.execute(query.order_by(links.c.repository_id, links.c.digest).limit(limit))
    return [(row.repository_id, row.digest) for row in rows]


def remove_links(connection: Connection, rules: Rules, page: Collection[tuple[int, str]]) -> list[Link]:
    """Removes those of `page` that are still garbage, and gives them."""
    removed: list[Link] = []
    for repository_id, digests in _by_repository(page).items():
        mine = links.c.repository_id == repository_id
        free = _locked(connection, links.c.digest, mine, links.c.digest.in_(digests))
        gone = links.delete().where(mine, links.c.digest.in_(free), is_needless_link(rules))
        found = list(connection.execute(gone.returning(links.c.digest)).scalars())
        sizes = dict(_rows(connection, sa.select(blobs.c.digest, blobs.c.size_bytes).where(blobs.c.digest.in_(found))))
        removed.extend(Link(repository_id, digest, sizes[digest]) for digest in found)
        if found:
            touch(connection, repository_id)
    return removed


# --- blobs ------------------------------------------------------------------------------------------------


def blobs_page(connection: Connection, rules: Rules, after: str, limit: int) -> list[Blob]:
    """Garbage among the blobs, in the order of their digests, after the digest `after`."""
    query = sa.select(blobs.c.digest, blobs.c.size_bytes).where(blobs.c.digest > after, is_needless_blob(rules))
    return [Blob(*row) for row in connection.execute(query.order_by(blobs.c.digest).limit(limit))]


def remove_blobs(
    connection: Connection, rules: Rules, page: Iterable[Blob], unlink: Callable[[str], object]
) -> list[Blob]:
    """Removes those of `page` that are still garbage, first their bytes, then their rows, and gives them.

    A publisher puts its bytes in place inside a transaction that holds the row, so the two never interleave. A crash
    before the commit leaves a row without bytes, which is answered as absent, healed by the next push, and otherwise
    removed by the next collection.

    Args:
        unlink: removes a digest's bytes; it is fine if there are none.
    """
    wanted = [blob.digest for blob in page]
    free = _locked(connection, blobs.c.digest, blobs.c.digest.in_(wanted))
    query = sa.select(blobs.c.digest, blobs.c.size_bytes).where(blobs.c.digest.in_(free), is_needless_blob(rules))
    garbage = [Blob(*row) for row in connection.execute(query)]
    for blob in garbage:
        unlink(blob.digest)
    connection.execute(blobs.delete().where(blobs.c.digest.in_([blob.digest for blob in garbage])))
    return garbage


# --- the bytes of manifests -------------------------------------------------------------------------------


def contents_page(connection: Connection, rules: Rules, after: str, limit: int) -> list[str]:
    """Garbage among the manifests' bytes, by the hex of their SHA-256, after the hex `after`."""
    query = sa.select(manifest_contents.c.sha256).where(manifest_contents.c.sha256 > after, is_needless_content(rules))
    return list(connection.execute(query.order_by(manifest_contents.c.sha256).limit(limit)).scalars())


def remove_contents(connection: Connection, rules: Rules, page: Sequence[str]) -> list[int]:
    """Removes those of `page` that are still garbage, and gives their sizes in bytes."""
    free = _locked(connection, manifest_contents.c.sha256, manifest_contents.c.sha256.in_(page))
    gone = manifest_contents.delete().where(manifest_contents.c.sha256.in_(free), is_needless_content(rules))
    return list(connection.execute(gone.returning(sa.func.length(manifest_contents.c.body))).scalars())


def private_records_of(connection: Connection, collection: str) -> Iterable[bytes]:
    """The records of private repositories in a collection, as DAG-CBOR, a few in memory at a time."""
    query = sa.select(private_records.c.value).where(private_records.c.collection == collection)
    return connection.execution_options(yield_per=500).execute(query).scalars()


# --- what is removed by its age alone ---------------------------------------------------------------------


def remove_pds_blobs(connection: Connection, rules: Rules, limit: int) -> int:
    """Removes up to `limit` blobs of PDS accounts that no record names; how many there were."""
    take_turn(connection)
    key = (pds_blobs.c.account_id, pds_blobs.c.cid)
    query = sa.select(*key).where(is_needless_pds_blob(rules)).limit(limit)
    page = [tuple(row) for row in connection.execute(query.with_for_update(skip_locked=True))]
    if not page:
        return 0
    gone = pds_blobs.delete().where(sa.tuple_(*key).in_(page), is_needless_pds_blob(rules))
    return connection.execute(gone).rowcount


def remove_claims(connection: Connection, rules: Rules) -> int:
    """Removes the claims that have ended; how many there were."""
    return connection.execute(claims.delete().where(is_ended_claim(rules))).rowcount


def remove_tokens(connection: Connection, rules: Rules) -> int:
    """Removes the refresh tokens that have ended; how many there were."""
    return connection.execute(refresh_tokens.delete().where(is_ended_token(rules))).rowcount


def remove_events(connection: Connection, rules: Rules, limit: int) -> int:
    """Removes up to `limit` of the firehose's events that are out of its backlog; how many there were."""
    old = sa.select(pds_events.c.seq).where(is_old_event(rules)).order_by(pds_events.c.at_ms).limit(limit)
    return connection.execute(pds_events.delete().where(pds_events.c.seq.in_(old))).rowcount


# --- upload sessions --------------------------------------------------------------------------------------


def uploads_before(connection: Connection, before_ms: int) -> list[str]:
    """The upload sessions that began before a moment, however active they are."""
    return list(connection.execute(sa.select(uploads.c.id).where(uploads.c.created_at_ms < before_ms)).scalars())


def is_known(connection: Connection, digest: str) -> bool:
    """Whether the hold is said to have a blob."""
    return connection.execute(sa.select(blobs.c.digest).where(blobs.c.digest == digest)).first() is not None


def _locked(connection: Connection, key: sa.ColumnElement[str], *which: sa.ColumnElement[bool]) -> list[str]:
    """The keys of rows that nobody else has locked, now locked for this transaction, in the order of the keys."""
    query = sa.select(key).where(*which).order_by(key)
    return list(connection.execute(query.with_for_update(skip_locked=True)).scalars())


def _by_repository(page: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for repository_id, digest in page:
        found.setdefault(repository_id, []).append(digest)
    return found


def _rows(connection: Connection, query: sa.Select[Any]) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in connection.execute(query)]


def has_any(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> bool:
    """Whether a table has a row of a kind: asked first, so that a collection without work takes no writer's turn."""
    return connection.execute(sa.select(sa.literal(1)).select_from(table).where(which).limit(1)).first() is not None
