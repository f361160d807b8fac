"""This server's accounts and hosts, remembered: the `Directory` that names are resolved against."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.index import accounts
from roadstead.index.database import Database
from roadstead.index.remembered import Remembered


class AccountDirectory:
    """Implements `roadstead.identity.resolve.Directory`.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        def hosts(connection: Connection, _key: None) -> frozenset[str]:
            return accounts.hosts(connection, int(clock() * 1000))

        self._hosts: Remembered[None, frozenset[str]] = Remembered(database, hosts)
        self._accounts: Remembered[str, Account | None] = Remembered(database, accounts.by_name)

    async def hosts(self) -> frozenset[str]:
        """The host in force and its aliases."""
        return await self._hosts.get(None)

    async def account(self, name: str) -> Account | None:
        """The account with this name, if there is one."""
        return await self._accounts.get(name)
