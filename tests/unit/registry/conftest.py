"""Two processes' view of one database, with an account and a repository in it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.auth.directory import AccountDirectory
from roadstead.identity.resolve import Resolver
from roadstead.index import repositories, schema
from roadstead.index.database import Database
from roadstead.index.repositories import RepositoryRow
from roadstead.index.tables import accounts
from roadstead.registry.views import Views


@dataclass
class Clock:
    """A clock that the test sets."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Process:
    """What one worker has."""

    database: Database
    views: Views
    clock: Clock


@dataclass
class World:
    """One data folder, and two processes on it."""

    one: Process
    two: Process
    repository: RepositoryRow


def add_account(database: Database, name: str) -> int:
    """A row of an account, without its AT Protocol repository; its id."""
    row = {
        "name": name,
        "did": f"did:web:{name}.localhost",
        "handle": f"{name}.localhost",
        "password_hash": "",
        "created_at_ms": 0,
    }
    made = sa.insert(accounts).values(row).returning(accounts.c.id)
    return database.write_now(lambda connection: int(connection.execute(made).scalar_one()))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """`alice` has the public repository `app`."""
    with ExitStack() as stack:

        def process() -> Process:
            database = stack.enter_context(closing(Database(f"sqlite:///{tmp_path / 'roadstead.db'}", tmp_path)))
            schema.ensure(database.engine)
            clock = Clock()
            return Process(database, Views(database, Resolver(AccountDirectory(database, time.time)), clock), clock)

        one, two = process(), process()
        alice = add_account(one.database, "alice")
        row = one.database.write_now(lambda c: repositories.create(c, alice, "app", "public", 0))
        yield World(one, two, row)
