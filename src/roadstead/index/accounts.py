"""Rows of accounts, and the hosts under which they are known."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account, name_of_component
from roadstead.core.access.rights import Visibility
from roadstead.core.errors import UnknownName
from roadstead.index.tables import accounts, host_aliases, meta

HOST_KEY: Final = "host"
"""The key in `meta` of the host in force."""

HOME: Final = "localhost"
"""The host of a server that was given none: its accounts are `NAME.localhost`."""

_COLUMNS: Final = (
    accounts.c.id,
    accounts.c.name,
    accounts.c.did,
    accounts.c.handle,
    accounts.c.default_visibility,
)


def host(connection: Connection) -> str:
    """The host in force, under which new accounts are made."""
    return named_host(connection) or HOME


def named_host(connection: Connection) -> str | None:
    """The host that this server was given, if it was given one."""
    return connection.execute(sa.select(meta.c.value).where(meta.c.key == HOST_KEY)).scalar()


def hosts(connection: Connection, now_ms: int) -> frozenset[str]:
    """The host in force and the former ones that still mean this server."""
    query = sa.select(host_aliases.c.host).where(host_aliases.c.until_ms > now_ms)
    return frozenset((host(connection), *connection.execute(query).scalars()))


def by_name(connection: Connection, name: str) -> Account | None:
    """The account with this name, if there is one."""
    return _account(connection, accounts.c.name == name)


def by_id(connection: Connection, account_id: int) -> Account | None:
    """The account with this id, if there is one."""
    return _account(connection, accounts.c.id == account_id)


def find(connection: Connection, component: str, now_ms: int) -> Account:
    """The account that a name, handle or DID means.

    Raises:
        InvalidName: no name, handle or DID.
        UnknownName: no account of this server.
    """
    name = name_of_component(component, hosts(connection, now_ms))
    found = by_name(connection, name)
    if found is None:
        raise no_such_account(name)
    return found


def no_such_account(name: str) -> UnknownName:
    """The error for an account that is not there."""
    return UnknownName(f"there is no account {name!r} on this server", remedy="see roadstead account list")


def every(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [_of(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(accounts.c.name))]


def _account(connection: Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = connection.execute(sa.select(*_COLUMNS).where(condition)).first()
    return _of(row) if row else None


def _of(row: sa.Row[*tuple[Any, ...]]) -> Account:
    visibility = Visibility(row.default_visibility) if row.default_visibility else None
    return Account(row.id, row.name, row.did, row.handle, visibility)
