"""Counts of pulls and pushes: added up by day, kept when they cannot be written, and written at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from roadstead.app.counts import Counts
from roadstead.index import tables
from tests.rig.depot import Depot
from tests.unit.upkeep.conftest import filled, url

__all__ = ["filled", "url"]


def rows(depot: Depot) -> list[object]:
    return depot.dump(tables.counts.name)["counts"]


def test_what_was_counted_is_added_up_by_repository_and_day(filled: Depot) -> None:
    one, other = filled.repository(1, "one").id, filled.repository(1, "other").id
    days = iter(["2026-01-01", "2026-01-01", "2026-01-02"])
    counts = Counts(filled.services.database, today=lambda: next(days))
    for _ in range(3):
        counts.pull(one)
        counts.push(other)
        asyncio.run(counts.flush())
    assert rows(filled) == [
        (one, "2026-01-01", 2, 0),
        (one, "2026-01-02", 1, 0),
        (other, "2026-01-01", 0, 2),
        (other, "2026-01-02", 0, 1),
    ]


def test_a_repository_that_is_gone_takes_nothing_else_along(filled: Depot) -> None:
    one = filled.repository(1).id
    counts = Counts(filled.services.database, today=lambda: "2026-01-01")
    counts.pull(99)
    counts.pull(one)
    asyncio.run(counts.flush())
    assert rows(filled) == [(one, "2026-01-01", 1, 0)]


def rename(filled: Depot, table: str, to: str) -> None:
    """What makes every write to a table fail, and heals it again."""
    statement = sa.text(f"ALTER TABLE {table} RENAME TO {to}")
    filled.services.database.write_now(lambda connection: connection.execute(statement) and None)


def test_what_cannot_be_written_is_kept(filled: Depot) -> None:
    one = filled.repository(1).id
    counts = Counts(filled.services.database, today=lambda: "2026-01-01")
    counts.pull(one)
    rename(filled, "counts", "away")
    asyncio.run(counts.flush())
    rename(filled, "away", "counts")
    counts.pull(one)
    asyncio.run(counts.flush())
    assert rows(filled) == [(one, "2026-01-01", 2, 0)]


def test_the_end_writes_what_is_left(filled: Depot, tmp_path: Path) -> None:
    one = filled.repository(1).id

    async def work() -> None:
        counts = Counts(filled.services.database, today=lambda: "2026-01-01")
        running = asyncio.create_task(counts.run())
        await asyncio.sleep(0)
        counts.pull(one)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())
    assert rows(filled) == [(one, "2026-01-01", 1, 0)]
