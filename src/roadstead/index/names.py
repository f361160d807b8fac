"""Names of repositories by their ids, for what people read."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.tables import accounts, repositories


def names_of(connection: Connection, repository_ids: Sequence[int]) -> dict[int, str]:
    """`account/path` of each that is there."""
    query = sa.select(repositories.c.id, accounts.c.name, repositories.c.path).join_from(repositories, accounts)
    rows = connection.execute(query.where(repositories.c.id.in_(list(repository_ids))))
    return {row.id: f"{row.name}/{row.path}" for row in rows}
