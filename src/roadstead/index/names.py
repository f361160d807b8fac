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


def repository_id(connection: Connection, account: str, path: str) -> int | None:
    """The repository of the account with this name, handle or DID, at a path."""
    owner = sa.or_(accounts.c.name == account, accounts.c.handle == account, accounts.c.did == account)
    query = sa.select(repositories.c.id).join_from(repositories, accounts).where(owner, repositories.c.path == path)
    found: int | None = connection.execute(query).scalar()
    return found
