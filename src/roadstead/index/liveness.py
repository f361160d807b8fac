"""Which manifests of no tag nothing else keeps alive: only where the operator wants those removed at all.

A manifest lives by itself while a tag names it, a process claims it, it is young, or its subject is not here (it came
before its subject, or outlived it by the will of who deleted that one). Life spreads from an index to its children
and from a subject to its referrers. All others are dead.

The spreading is done in SQL, a level of all repositories at once: as many statements as the deepest manifest lies deep,
and work in proportion to what is stored. Whether one dead manifest has come to life since is asked upwards from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import exists, insert
from roadstead.index.garbage import Rules, is_claimed
from roadstead.index.links import CHUNK
from roadstead.index.tables import Identity, manifest_references, manifests, tags

_scratch: Final = sa.MetaData()

_live: Final = sa.Table(
    "scratch_live",
    _scratch,
    sa.Column("repository_id", Identity, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("level", sa.Integer, nullable=False, index=True),
    prefixes=["TEMPORARY"],
)

dead: Final = sa.Table(
    "scratch_dead",
    _scratch,
    sa.Column("repository_id", Identity, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("level", sa.Integer, nullable=False, index=True),
    prefixes=["TEMPORARY"],
)
"""Filled by `find_dead`. `level`: what has to be removed before it has a smaller one."""


@dataclass(frozen=True, slots=True)
class DeadManifest:
    """A manifest that may go."""

    repository_id: int
    digest: str


def find_dead(connection: Connection, rules: Rules) -> None:
    """Fills the temporary table `dead`, which lives as long as this transaction (it may be a read)."""
    for table in (_live, dead):
        table.create(connection)
    if rules.untagged_ms is None:
        return
    _spread(connection, rules)
    _insert_dead(connection)
    _order(connection)
    connection.execute(_live.delete())


def dead_in_order(connection: Connection) -> list[DeadManifest]:
    """What `find_dead` found: referrers before their subjects, indexes before their children.

    So whatever ends a collection early leaves no referrer whose subject is gone, which would live for good.
    """
    query = sa.select(dead.c.repository_id, dead.c.digest).order_by(dead.c.level, dead.c.repository_id, dead.c.digest)
    return [DeadManifest(*row) for row in connection.execute(query)]


def is_still_dead(connection: Connection, rules: Rules, manifest: DeadManifest) -> bool:
    """Whether the manifest is there and nothing keeps it alive, asked in the transaction that removes it."""
    if rules.untagged_ms is None or not _lock(connection, manifest):
        return False
    seen: set[str] = set()
    frontier = {manifest.digest}
    while frontier:
        if _any_root(connection, rules, manifest.repository_id, frontier):
            return False
        seen |= frontier
        frontier = _givers(connection, manifest.repository_id, frontier) - seen
    return True


def _lock(connection: Connection, manifest: DeadManifest) -> bool:
    """Locks the manifest's row until the end; False where a push has it locked: it is in use, or it is gone."""
    query = sa.select(manifests.c.digest).where(
        manifests.c.repository_id == manifest.repository_id, manifests.c.digest == manifest.digest
    )
    return connection.execute(query.with_for_update(skip_locked=True)).first() is not None


def _is_root(rules: Rules) -> sa.ColumnElement[bool]:
    subjects = manifests.alias("subjects")
    tagged = exists(tags.c.repository_id == manifests.c.repository_id, tags.c.digest == manifests.c.digest)
    has_subject = exists(
        subjects.c.repository_id == manifests.c.repository_id, subjects.c.digest == manifests.c.subject
    )
    return sa.or_(
        manifests.c.pushed_at_ms >= rules.untagged_since_ms,
        tagged,
        is_claimed(manifests.c.digest, rules),
        sa.and_(manifests.c.subject.is_not(None), ~has_subject),
    )


def _spread(connection: Connection, rules: Rules) -> None:
    """Fills `_live`, level by level."""
    roots = sa.select(manifests.c.repository_id, manifests.c.digest, sa.literal(0)).where(_is_root(rules))
    connection.execute(_live.insert().from_select(list(_live.c), roots))
    level = 0
    while True:
        next_level = _reached(_live, level, toward_life=True)
        statement = insert(connection, _live).from_select(list(_live.c), next_level).on_conflict_do_nothing()
        if connection.execute(statement).rowcount <= 0:
            return
        level += 1


def _reached(frontier: sa.Table, level: int, *, toward_life: bool) -> sa.Select[tuple[int, str, int]]:
    """Manifests that those of one level reach by one step, as rows of the next level.

    Args:
        toward_life: from an index to its children, from a subject to its referrers. Else in the order of removal: from
            an index to its children, from a referrer to its subject.
    """
    here = frontier.c.level == level
    reference, child, other = manifest_references.alias(), manifests.alias(), manifests.alias()
    children = (
        sa.select(child.c.repository_id, child.c.digest)
        .select_from(frontier)
        .join(
            reference,
            sa.and_(reference.c.repository_id == frontier.c.repository_id, reference.c.parent == frontier.c.digest),
        )
        .join(child, sa.and_(child.c.repository_id == frontier.c.repository_id, child.c.digest == reference.c.child))
        .where(here, reference.c.kind == "manifest")
    )
    mine, wanted = (other.c.subject, other.c.digest) if toward_life else (other.c.digest, other.c.subject)
    others = (
        sa.select(other.c.repository_id, wanted)
        .select_from(frontier)
        .join(other, sa.and_(other.c.repository_id == frontier.c.repository_id, mine == frontier.c.digest))
        .where(here, other.c.subject.is_not(None))
    )
    both = sa.union(children, others).subquery()
    # SQLite cannot tell ON CONFLICT from a join's ON without a WHERE.
    return sa.select(both.c[0], both.c[1], sa.literal(level + 1)).where(sa.true())


def _insert_dead(connection: Connection) -> None:
    alive = exists(_live.c.repository_id == manifests.c.repository_id, _live.c.digest == manifests.c.digest)
    rest = sa.select(manifests.c.repository_id, manifests.c.digest, sa.literal(0)).where(~alive)
    connection.execute(dead.insert().from_select(list(dead.c), rest))


def _order(connection: Connection) -> None:
    """Moves what others have to precede to a higher level, until nothing moves: digests cannot form a circle."""
    level = 0
    while True:
        reached, here = _reached(dead, level, toward_life=False).subquery(), dead.alias()
        is_dead = sa.and_(here.c.repository_id == reached.c[0], here.c.digest == reached.c[1])
        later = sa.select(reached.c[0], reached.c[1], reached.c[2]).join(here, is_dead).where(sa.true())
        # An UPDATE with a list of keys would, in SQLite, read all dead manifests of a repository for each of them.
        moved = insert(connection, dead).from_select(list(dead.c), later)
        moved = moved.on_conflict_do_update(index_elements=["repository_id", "digest"], set_={"level": level + 1})
        if connection.execute(moved).rowcount <= 0:
            return
        level += 1


def _any_root(connection: Connection, rules: Rules, repository_id: int, digests: set[str]) -> bool:
    for part in _parts(digests):
        query = sa.select(manifests.c.digest).where(
            manifests.c.repository_id == repository_id, manifests.c.digest.in_(part), _is_root(rules)
        )
        if connection.execute(query.limit(1)).first() is not None:
            return True
    return False


def _givers(connection: Connection, repository_id: int, digests: set[str]) -> set[str]:
    """What gives life to these manifests by one step: indexes that name them, and their subjects."""
    found: set[str] = set()
    for part in _parts(digests):
        indexes = sa.select(manifest_references.c.parent).where(
            manifest_references.c.repository_id == repository_id,
            manifest_references.c.child.in_(part),
            manifest_references.c.kind == "manifest",
        )
        subjects = sa.select(manifests.c.subject).where(
            manifests.c.repository_id == repository_id,
            manifests.c.digest.in_(part),
            manifests.c.subject.is_not(None),
        )
        found.update(connection.execute(indexes).scalars())
        found.update(subject for subject in connection.execute(subjects).scalars() if subject is not None)
    return found


def _parts(digests: set[str]) -> list[list[str]]:
    ordered = sorted(digests)
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]
