"""What a decision about a repository needs to know, from SQL."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.access.rights import RepositoryRights
from roadstead.index.repositories import RepositoryRow, by_name


def rights_of(connection: Connection, account: Account, path: str) -> RepositoryRights:
    """Of the repository of an account at a path, whether there is one or not."""
    row = by_name(connection, account.id, path)
    return RepositoryRights(account.id, f"{account.name}/{path}") if row is None else rights_in(row)


def rights_in(row: RepositoryRow) -> RepositoryRights:
    """Of a repository that was read already."""
    return RepositoryRights(row.account_id, row.name, row.visibility, row.grants)
