"""Accounts of this server: made, listed, given another password, deleted.

Each is a piece of work within a transaction. What else an account has (its AT Protocol repository) is made and
unmade in the same transaction by whom the caller names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.auth.passwords import hash_password
from roadstead.core.access.account import Account, check_name, did_of, handle_of
from roadstead.core.access.credentials import check_password
from roadstead.core.access.rights import Visibility
from roadstead.core.errors import Conflict
from roadstead.index import accounts as rows
from roadstead.index import audit
from roadstead.index.database import Database, touch
from roadstead.index.dialects import insert
from roadstead.index.generation import EVERYTHING
from roadstead.index.tables import accounts, refresh_tokens, repositories

Founder: TypeAlias = Callable[[Connection, int, str, str], None]
"""Makes what an account has beside its row: (connection, account id, DID, handle)."""

Dissolver: TypeAlias = Callable[[Connection, int, str], None]
"""Says goodbye for an account before its rows go: (connection, account id, DID)."""


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account as a list shows it."""

    account: Account
    created_at_ms: int
    repository_count: int


def create(
    connection: Connection,
    name: str,
    password_hash: str,
    *,
    founder: Founder,
    now_ms: int,
    default_visibility: Visibility | None = None,
    actor: str = audit.OPERATOR,
) -> Account:
    """A new account under the host in force.

    Args:
        password_hash: from `hash_password`.

    Raises:
        InvalidName: an account may not be called so.
        Conflict: the name is taken.
    """
    host = rows.host(connection)
    handle, did = handle_of(check_name(name), host), did_of(name, host)
    row = {
        "name": name,
        "did": did,
        "handle": handle,
        "password_hash": password_hash,
        "default_visibility": default_visibility,
        "created_at_ms": now_ms,
    }
    made = insert(connection, accounts).values(row).on_conflict_do_nothing().returning(accounts.c.id)
    account_id: int | None = connection.execute(made).scalar()
    if account_id is None:
        raise Conflict(f"there is an account {name!r} already", remedy="choose another name, or see account passwd")
    founder(connection, account_id, did, handle)
    audit.record(connection, now_ms, actor, "account.create", name)
    touch(connection, EVERYTHING)
    return Account(account_id, name, did, handle, default_visibility)


def summaries(connection: Connection) -> list[AccountSummary]:
    """All accounts, by name."""
    owned = sa.func.count(repositories.c.id).label("owned")
    query = (
        sa.select(accounts.c.id, accounts.c.created_at_ms, owned)
        .join_from(accounts, repositories, isouter=True)
        .group_by(accounts.c.id)
    )
    facts = {row.id: row for row in connection.execute(query)}
    return [
        AccountSummary(account, facts[account.id].created_at_ms, facts[account.id].owned)
        for account in rows.every(connection)
    ]


def set_password(
    connection: Connection, name: str, password_hash: str, *, now_ms: int, actor: str = audit.OPERATOR
) -> Account:
    """Replaces an account's password, and ends what was given for the old one: tokens and refresh tokens.

    App passwords have a life of their own and stay.

    Raises:
        UnknownName: no such account.
    """
    account = _existing(connection, name)
    connection.execute(accounts.update().where(accounts.c.id == account.id).values(password_hash=password_hash))
    given_for_it = (refresh_tokens.c.account_id == account.id) & refresh_tokens.c.app_password_id.is_(None)
    connection.execute(refresh_tokens.delete().where(given_for_it))
    audit.record(connection, now_ms, actor, "account.passwd", name)
    touch(connection, EVERYTHING)
    return account


def delete(
    connection: Connection, name: str, *, dissolver: Dissolver, now_ms: int, actor: str = audit.OPERATOR
) -> Account:
    """Deletes an account with all that it has: repositories, records, tokens. Its blobs are garbage collection's.

    Raises:
        UnknownName: no such account.
    """
    account = _existing(connection, name)
    owned = connection.execute(sa.select(repositories.c.id).where(repositories.c.account_id == account.id)).scalars()
    for repository_id in owned.all():
        touch(connection, repository_id)
    dissolver(connection, account.id, account.did)
    connection.execute(accounts.delete().where(accounts.c.id == account.id))
    audit.record(connection, now_ms, actor, "account.delete", name)
    touch(connection, EVERYTHING)
    return account


def _existing(connection: Connection, name: str) -> Account:
    account = rows.by_name(connection, name)
    if account is None:
        raise rows.no_such_account(name)
    return account


class Accounts:
    """Accounts, for a thread that may block: a command, or the first start.

    Args:
        founder: makes what a new account has beside its row.
        dissolver: says goodbye for one that goes.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        founder: Founder,
        dissolver: Dissolver,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._founder = founder
        self._dissolver = dissolver
        self._clock = clock

    def create(self, name: str, password: str, default_visibility: Visibility | None = None) -> Account:
        """See `create`.

        Raises:
            Invalid: the name or the password is not valid.
            Conflict: the name is taken.
        """
        check_name(name)  # before the work of hashing
        hashed, now_ms = hash_password(check_password(password, name)), self._now_ms()
        return self._database.write_now(
            lambda connection: create(
                connection,
                name,
                hashed,
                founder=self._founder,
                now_ms=now_ms,
                default_visibility=default_visibility,
            )
        )

    def summaries(self) -> list[AccountSummary]:
        """All accounts, by name."""
        return self._database.read_now(summaries)

    def set_password(self, component: str, password: str) -> Account:
        """See `set_password`.

        Args:
            component: the account's name, handle or DID.

        Raises:
            UnknownName: no such account.
            Invalid: the password is not valid.
        """
        now_ms = self._now_ms()
        name = self._database.read_now(lambda connection: rows.find(connection, component, now_ms)).name
        hashed = hash_password(check_password(password, name))
        return self._database.write_now(lambda connection: set_password(connection, name, hashed, now_ms=now_ms))

    def delete(self, component: str) -> Account:
        """See `delete`.

        Raises:
            UnknownName: no such account.
        """
        now_ms = self._now_ms()

        def work(connection: Connection) -> Account:
            name = rows.find(connection, component, now_ms).name
            return delete(connection, name, dissolver=self._dissolver, now_ms=now_ms)

        return self._database.write_now(work)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
