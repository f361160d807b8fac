"""Logging in: from a name and a password (or an app password) to an `Asker`.

What a failure says and how long it takes do not tell whether there is such an account. Guessing is limited for
each client at each account, and for each client in all; a password that was right a minute ago is not a guess.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from roadstead.auth.passwords import Passwords
from roadstead.auth.rate_limit import RateLimits
from roadstead.auth.standing import by_app_password
from roadstead.core.account import Account
from roadstead.core.credentials import APP_PASSWORD_PREFIX, PASSWORD_LENGTHS, credential_of, secret_sha256
from roadstead.core.errors import InvalidName, Unauthorized, UnknownName
from roadstead.core.rights import Asker
from roadstead.core.token_bucket import Limit
from roadstead.identity.resolve import Resolver
from roadstead.index import audit
from roadstead.index.database import Database
from roadstead.index.tables import accounts, app_passwords

AT_ONE_ACCOUNT: Final = Limit(rate_per_s=0.1, burst=10)
IN_ALL: Final = Limit(rate_per_s=1.0, burst=50)
FAILED: Final = "failed logins"

LONGEST_NAME: Final = 256
NOBODYS_ID: Final = 0


class Login:
    """Checks credentials. One for each process.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        resolver: Resolver,
        passwords: Passwords,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._passwords = passwords
        self._limits = limits
        self._clock = clock

    async def __call__(self, username: str, password: str, address: str) -> Asker:
        """Who it is.

        Args:
            username: the account's name, handle or DID.
            password: the account's password, or one of its app passwords.
            address: what the client is limited as (`Client.limited_as`).

        Raises:
            Unauthorized: no such account, or not its password; nothing tells which.
            TooManyRequests: too many failed attempts from this address.
            Unavailable: too many passwords are being checked, or the database does not answer.
        """
        account = await self._account(username)
        password_hash = await self._password_hash(account)
        if account is not None and password_hash is not None and self._passwords.was_right(password_hash, password):
            return _logged_in(account, password_hash)
        whom = f"{address} {account.name if account is not None else username[:LONGEST_NAME]}"
        # The attempt is counted before it is made: many at once must not all pass for the first.
        self._limits.take(FAILED, whom, AT_ONE_ACCOUNT)
        self._limits.take(FAILED, address, IN_ALL)
        asker = await self._check(account, password_hash, password)
        if asker is None:
            await self._note(username, address)
            raise Unauthorized("the name or the password is wrong", remedy="check both, or ask for a new password")
        self._limits.give_back(FAILED, whom, AT_ONE_ACCOUNT)
        self._limits.give_back(FAILED, address, IN_ALL)
        return asker

    async def _account(self, username: str) -> Account | None:
        try:
            return await self._resolver.account(username)
        except (InvalidName, UnknownName):
            return None

    async def _password_hash(self, account: Account | None) -> str | None:
        """Read anew each time: a password that was changed elsewhere is no longer one."""
        if account is None:
            return None
        query = sa.select(accounts.c.password_hash).where(accounts.c.id == account.id)
        found: str | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        return found

    async def _check(self, account: Account | None, password_hash: str | None, password: str) -> Asker | None:
        if password.startswith(APP_PASSWORD_PREFIX):
            return await self._by_app_password(account, password)
        # A longer one cannot be right, and need not be hashed to say so.
        if len(password) >= PASSWORD_LENGTHS.stop or not await self._passwords.is_right(password_hash, password):
            return None
        return None if account is None or password_hash is None else _logged_in(account, password_hash)

    async def _by_app_password(self, account: Account | None, secret: str) -> Asker | None:
        is_it = app_passwords.c.secret_sha256 == secret_sha256(secret)
        account_id = account.id if account is not None else NOBODYS_ID
        now_ms = int(self._clock() * 1000)
        return await self._database.read(lambda connection: by_app_password(connection, is_it, account_id, now_ms))

    async def _note(self, username: str, address: str) -> None:
        now_ms = int(self._clock() * 1000)
        # PostgreSQL keeps no NUL, and nobody who reads the audit wants control characters.
        shown = "".join(character if character.isprintable() else "?" for character in username[:LONGEST_NAME])
        await self._database.write(lambda connection: audit.record(connection, now_ms, address, "login.refused", shown))


def _logged_in(account: Account, password_hash: str) -> Asker:
    """The account, with the password that has this hash: when that changes, what is given now ends."""
    return Asker(account.id, account.name, account.did, credential_of(password_hash))
