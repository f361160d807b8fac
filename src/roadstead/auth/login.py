"""Logging in: from a name and a password (or an app password) to an `Asker`.

What a failure says and how long it takes do not tell whether there is such an account. Guessing is limited for
each client at each account, and for each client in all; a password that was right a minute ago is not a guess.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

import sqlalchemy as sa

from roadstead.auth.passwords import Passwords
from roadstead.auth.rate_limit import RateLimits
from roadstead.auth.standing import by_app_password
from roadstead.core.access.account import Account
from roadstead.core.access.credentials import APP_PASSWORD_PREFIX, PASSWORD_LENGTHS, credential_of, secret_sha256
from roadstead.core.access.rights import Asker
from roadstead.core.access.token_bucket import Limit
from roadstead.core.errors import InvalidName, Unauthorized, UnknownName
from roadstead.identity.resolve import Resolver
from roadstead.index import audit
from roadstead.index.database import Database
from roadstead.index.tables import accounts, app_passwords

AT_ONE_ACCOUNT: Final = Limit(rate_per_s=0.1, burst=10)
IN_ALL: Final = Limit(rate_per_s=1.0, burst=50)
FAILED: Final = "failed logins"

LONGEST_NAME: Final = 256
NOBODYS_ID: Final = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt to log in.

    Args:
        account: what the name means; `None` for nobody here.
    """

    username: str
    password: str = field(repr=False)
    address: str
    account: Account | None

    @property
    def whom(self) -> str:
        """Whose wrong guesses are counted together."""
        return f"{self.address} {self.account.name if self.account is not None else self.username[:LONGEST_NAME]}"


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
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
        attempt = _Attempt(username, password, address, account)
        # One at a time: else a robot's many logins at once would use up what is there for a few wrong ones.
        async with self._turns.setdefault(attempt.whom, asyncio.Lock()):
            password_hash = await self._password_hash(account)
            if account is not None and password_hash is not None and self._passwords.was_right(password_hash, password):
                return _logged_in(account, password_hash)
            return await self._counted(attempt, password_hash)

    async def _counted(self, attempt: _Attempt, password_hash: str | None) -> Asker:
        # The attempt is counted before it is made: other processes may be at theirs.
        self._limits.take(FAILED, attempt.whom, AT_ONE_ACCOUNT)
        self._limits.take(FAILED, attempt.address, IN_ALL)
        is_wrong = False
        try:
            asker = await self._check(attempt, password_hash)
            is_wrong = asker is None
        finally:
            if not is_wrong:
                self._limits.give_back(FAILED, attempt.whom, AT_ONE_ACCOUNT)
                self._limits.give_back(FAILED, attempt.address, IN_ALL)
        if asker is None:
            await self._note(attempt)
            raise Unauthorized("the name or the password is wrong", remedy="check both, or ask for a new password")
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

    async def _check(self, attempt: _Attempt, password_hash: str | None) -> Asker | None:
        if attempt.password.startswith(APP_PASSWORD_PREFIX):
            return await self._by_app_password(attempt)
        # A longer one cannot be right, and need not be hashed to say so.
        if len(attempt.password) >= PASSWORD_LENGTHS.stop:
            return None
        if not await self._passwords.is_right(password_hash, attempt.password):
            return None
        return None if attempt.account is None or password_hash is None else _logged_in(attempt.account, password_hash)

    async def _by_app_password(self, attempt: _Attempt) -> Asker | None:
        is_it = app_passwords.c.secret_sha256 == secret_sha256(attempt.password)
        account_id = attempt.account.id if attempt.account is not None else NOBODYS_ID
        now_ms = self._now_ms()
        return await self._database.read(lambda connection: by_app_password(connection, is_it, account_id, now_ms))

    async def _note(self, attempt: _Attempt) -> None:
        # PostgreSQL keeps no NUL, and nobody who reads the audit wants control characters.
        shown = "".join(character if character.isprintable() else "?" for character in attempt.username[:LONGEST_NAME])
        now_ms = self._now_ms()
        await self._database.write(
            lambda connection: audit.record(connection, now_ms, attempt.address, "login.refused", shown)
        )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _logged_in(account: Account, password_hash: str) -> Asker:
    """The account, with the password that has this hash: when that changes, what is given now ends."""
    return Asker(account.id, account.name, account.did, credential_of(password_hash))
