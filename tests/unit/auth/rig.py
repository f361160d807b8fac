"""One process's authentication, wired as the composition root does it."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import Connection

from roadstead.auth import accounts
from roadstead.auth.directory import AccountDirectory
from roadstead.auth.keys import SigningKeys
from roadstead.auth.login import Login
from roadstead.auth.passwords import Passwords, hash_password
from roadstead.auth.rate_limit import RateLimits
from roadstead.auth.tokens import Tokens
from roadstead.core.access.account import Account
from roadstead.core.access.rights import Asker, Visibility
from roadstead.identity.resolve import Resolver
from roadstead.index import repositories
from roadstead.index.database import Database

T = TypeVar("T")

NOW_S = 1_800_000_000.0
SERVICE = "registry.test"
LIFE_S = 900
ADDRESS = "192.0.2.1"


def password_of(name: str) -> str:
    """The password with which `AuthRig.account` makes an account."""
    return f"password of {name}"


_hash = functools.cache(hash_password)


class Clock:
    """Seconds since 1970, which only the test moves."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s

    @property
    def now_ms(self) -> int:
        return int(self.now_s * 1000)


class AuthRig:
    """The parts of one process."""

    def __init__(self, database: Database, limits_file: Path, clock: Clock | None = None) -> None:
        self.database = database
        self.clock = clock or Clock()
        self.founded: list[str] = []
        self.dissolved: list[str] = []
        self.resolver = Resolver(AccountDirectory(database, self.clock))
        self.keys = SigningKeys(database, rotate_after_days=30, token_life_s=LIFE_S, clock=self.clock)
        self.passwords = Passwords()
        self.limits = RateLimits(limits_file, self.clock)
        self.login = Login(database, self.resolver, self.passwords, self.limits, self.clock)
        self.tokens = Tokens(database, self.keys, self.resolver, service=SERVICE, life_s=LIFE_S, clock=self.clock)

    def close(self) -> None:
        self.passwords.close()
        self.limits.close()

    def write(self, work: Callable[[Connection], T]) -> T:
        return self.database.write_now(work)

    def found(self, _connection: Connection, _account_id: int, did: str, handle: str) -> None:
        """What makes the account's AT Protocol repository, elsewhere."""
        self.founded.append(f"{did} {handle}")

    def dissolve(self, _connection: Connection, _account_id: int, did: str) -> None:
        self.dissolved.append(did)

    def account(self, name: str) -> Account:
        """A new account with `password_of` it."""
        return self.write(
            lambda connection: accounts.create(
                connection, name, _hash(password_of(name)), founder=self.found, now_ms=self.clock.now_ms
            )
        )

    def repository(self, account: Account, path: str, visibility: Visibility) -> int:
        """A new repository; its id."""
        return self.write(
            lambda connection: repositories.create(connection, account.id, path, visibility, self.clock.now_ms)
        ).id

    async def asker(self, name: str) -> Asker:
        """The account, logged in with its password."""
        return await self.login(name, password_of(name), ADDRESS)
