"""Rows of repositories: their names, visibility and grants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.index.dialects import Put, exists, in_byte_order
from roadstead.index.tables import accounts, grants, manifests, repositories


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository, its account, and who else may do what: account id → actions."""

    id: int
    account_id: int
    account_name: str
    account_did: str
    path: str
    visibility: str
    grants: Mapping[int, frozenset[str]]

    @property
    def name(self) -> str:
        """`account/path`, as it is shown."""
        return f"{self.account_name}/{self.path}"


_SELECT: Final = sa.select(
    repositories.c.id,
    repositories.c.account_id,
    accounts.c.name,
    accounts.c.did,
    repositories.c.path,
    repositories.c.visibility,
).join_from(repositories, accounts)

_BY_NAME: Final = _SELECT.where(
    repositories.c.account_id == sa.bindparam("account_id"), repositories.c.path == sa.bindparam("path")
)
_BY_ID: Final = _SELECT.where(repositories.c.id == sa.bindparam("id"))
_VISIBILITY: Final = sa.select(repositories.c.visibility).where(repositories.c.id == sa.bindparam("id"))
_PUT: Final = Put(repositories, key=("account_id", "path"))
_GRANTS: Final = sa.select(grants.c.account_id, grants.c.action).where(
    grants.c.repository_id == sa.bindparam("repository_id")
)


def by_name(connection: Connection, account_id: int, path: str) -> RepositoryRow | None:
    """The repository of an account at a path, if there is one."""
    return _with_grants(connection, connection.execute(_BY_NAME, {"account_id": account_id, "path": path}).first())


def by_id(connection: Connection, repository_id: int) -> RepositoryRow | None:
    """The repository with this id, if there is one."""
    return _with_grants(connection, connection.execute(_BY_ID, {"id": repository_id}).first())


def visibility(connection: Connection, repository_id: int) -> str | None:
    """The visibility of a repository, if it is there."""
    return connection.execute(_VISIBILITY, {"id": repository_id}).scalar()


def create(connection: Connection, account_id: int, path: str, visibility: str, now_ms: int) -> RepositoryRow:
    """The repository of an account at a path, made with `visibility` unless it was there already.

    An account's own `default_visibility` goes before the argument, which is the server's.
    """
    own = connection.execute(sa.select(accounts.c.default_visibility).where(accounts.c.id == account_id)).scalar()
    row = {"account_id": account_id, "path": path, "visibility": own or visibility, "created_at_ms": now_ms}
    _PUT(connection, row)
    found = by_name(connection, account_id, path)
    if found is None:
        raise LookupError(f"account {account_id} went away while its repository was made")
    return found


def readable_page(
    connection: Connection, readable: sa.ColumnElement[bool], after: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Name and visibility of repositories with at least one manifest, sorted by name, that come after `after`.

    Args:
        readable: which rows of `repositories` the asker may see.
    """
    name = in_byte_order(connection, accounts.c.name + "/" + repositories.c.path)
    has_manifest = exists(manifests.c.repository_id == repositories.c.id)
    query = sa.select(name, repositories.c.visibility).join_from(repositories, accounts)
    rows = connection.execute(query.where(readable, has_manifest, name > after).order_by(name).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _with_grants(connection: Connection, row: sa.Row[int, int, str, str, str, str] | None) -> RepositoryRow | None:
    if row is None:
        return None
    found: dict[int, set[str]] = {}
    for account_id, action in connection.execute(_GRANTS, {"repository_id": row.id}):
        found.setdefault(account_id, set()).add(action)
    given = {account_id: frozenset(actions) for account_id, actions in found.items()}
    return RepositoryRow(row.id, row.account_id, row.name, row.did, row.path, row.visibility, given)
