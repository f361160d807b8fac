"""How SQLite answers the questions of a collection: one walk through a table, an index for everything else.

So the cost grows with what is stored: a walk inside a walk would show as a second SCAN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index import garbage, liveness, tables
from roadstead.index.forecast import forecast
from roadstead.index.garbage import Rules
from tests.rig.world import NOW_MS, World

RULES = Rules(NOW_MS, grace_ms=1, untagged_ms=1, backlog_ms=1)

QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "links": lambda connection: garbage.links_page(connection, RULES, (0, ""), 500),
    "blobs": lambda connection: garbage.blobs_page(connection, RULES, "", 64),
    "contents": lambda connection: garbage.contents_page(connection, RULES, "", 500),
    "pds blobs": lambda connection: garbage.has_any(connection, tables.pds_blobs, garbage.is_needless_pds_blob(RULES)),
    "dead manifests": lambda connection: liveness.find_dead(connection, RULES),
    "forecast": lambda connection: forecast(connection, RULES, 20),
    "one manifest": lambda connection: liveness.is_still_dead(connection, RULES, liveness.DeadManifest(1, "sha256:0")),
    "removed links": lambda connection: garbage.remove_links(connection, RULES, [(1, "sha256:0"), (1, "sha256:1")]),
    "removed contents": lambda connection: garbage.remove_contents(connection, RULES, ["0", "1"]),
    "removed blobs": lambda connection: garbage.remove_blobs(
        connection, RULES, [garbage.Blob("sha256:0", 1)], lambda _digest: None
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    ours = World(tmp_path_factory.mktemp("world"))
    ours.manifest(ours.repository(ours.account()), "image")
    yield ours
    ours.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_table_is_walked_within_another(world: World, question: str, tmp_path: Path) -> None:
    plans: list[list[str]] = []

    def explain(
        connection: Connection,
        _cursor: object,
        statement: str,
        parameters: tuple[object, ...],
        _context: object,
        _many: bool,
    ) -> None:
        if statement.split()[0] not in ("SELECT", "DELETE", "UPDATE", "INSERT"):
            return
        cursor = connection.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.append([row[-1] for row in cursor.fetchall()])

    with world.rows() as connection:
        sa.event.listen(connection, "before_cursor_execute", explain)
        QUESTIONS[question](connection)
        sa.event.remove(connection, "before_cursor_execute", explain)
        connection.rollback()
    assert plans
    for plan in plans:
        assert sum(map(_is_walk, plan)) <= 1, "\n".join(plan)
        assert not any(map(_is_walk_through_its_owner, plan)), "\n".join(plan)


def _is_walk(step: str) -> bool:
    """Whether a step reads a whole table: not a constant row, nor what a step before has found for this question."""
    return step.startswith("SCAN") and not step.startswith(("SCAN CONSTANT ROW", "SCAN both", "SCAN anon", "SCAN ("))


def _is_walk_through_its_owner(step: str) -> bool:
    """Whether a step reads all that a repository or an account has of something."""
    return step.endswith(("(repository_id=?)", "(account_id=?)"))
