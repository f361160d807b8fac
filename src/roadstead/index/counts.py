"""Rows of how often each repository was pulled from and pushed to, a day each."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import insert
from roadstead.index.tables import counts, repositories


def add(connection: Connection, day: str, more: Mapping[int, tuple[int, int]]) -> None:
    """Adds to a day's counts: repository id → (pulls, pushes). Repositories that are gone are passed over.

    Args:
        day: `YYYY-MM-DD`, UTC.
    """
    statement = insert(connection, counts).from_select(
        ["repository_id", "day", "pulls", "pushes"],
        sa.select(
            repositories.c.id,
            sa.literal(day, sa.Text),
            sa.bindparam("more_pulls", type_=sa.BigInteger),
            sa.bindparam("more_pushes", type_=sa.BigInteger),
        ).where(repositories.c.id == sa.bindparam("repository", type_=sa.BigInteger)),
    )
    summed = {name: counts.c[name] + statement.excluded[name] for name in ("pulls", "pushes")}
    # In one order, so that two replicas never each hold a row that the other waits for.
    rows = [{"repository": key, "more_pulls": more[key][0], "more_pushes": more[key][1]} for key in sorted(more)]
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=["repository_id", "day"], set_=summed), rows)
