"""A database with accounts that have repositories, on both kinds of SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.car import car_bytes
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst import Tree, check
from roadstead.index.database import Database
from roadstead.index.tables import accounts, metadata
from roadstead.pds import records, repositories
from roadstead.pds.memory import Memory
from roadstead.pds.repositories import Hosted
from tests.rig.postgres import Postgres

NOW_MS = 1_790_000_000_000


@dataclass
class World:
    """A database, what a process remembers of it, and its accounts' ids by name."""

    database: Database
    memory: Memory = field(default_factory=Memory)
    accounts: dict[str, int] = field(default_factory=dict)
    host: str = "localhost"

    def account(self, name: str) -> int:
        """The id of an account, made with its repository when it is first asked for."""
        if name not in self.accounts:
            self.accounts[name] = self.database.write_now(lambda connection: self._found(connection, name))
        return self.accounts[name]

    def hosted(self, name: str) -> Hosted:
        return self.database.read_now(lambda connection: repositories.hosted(connection, self.account(name)))

    def leaves(self, name: str) -> dict[str, Cid]:
        """The records of a repository by its tree, which is proved to be sound and to be what the tables hold."""
        account_id = self.account(name)

        def work(connection: Connection) -> dict[str, Cid]:
            there = repositories.hosted(connection, account_id)
            nodes = records.nodes(connection, account_id)
            tree = Tree(there.head.data, nodes.__getitem__)
            found = check(tree)
            assert {cid for cid, _ in tree.nodes()} == nodes.keys(), "nodes that no tree has are left"
            stored = {
                f"{record.collection}/{record.rkey}": record.cid
                for collection in records.collections(connection, account_id)
                for record in records.every(connection, account_id, collection)
            }
            assert stored == found
            return found

        return self.database.read_now(work)

    def export(self, name: str) -> bytes:
        """The repository as a CAR file."""
        account_id = self.account(name)

        def work(connection: Connection) -> bytes:
            there = repositories.hosted(connection, account_id)
            blocks = {there.head.cid: there.commit_block, **records.nodes(connection, account_id)}
            for collection in records.collections(connection, account_id):
                blocks |= {one.cid: one.block for one in records.every(connection, account_id, collection)}
            return car_bytes(there.head.cid, blocks)

        return self.database.read_now(work)

    def _found(self, connection: Connection, name: str) -> int:
        handle = f"{name}.{self.host}"
        did = f"did:web:{handle}"
        row = {"name": name, "did": did, "handle": handle, "password_hash": "", "created_at_ms": NOW_MS}
        account_id: int = connection.execute(sa.insert(accounts).values(row).returning(accounts.c.id)).scalar_one()
        repositories.found(connection, account_id, did, handle, now_ms=NOW_MS, memory=self.memory)
        return account_id


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite; another kind where a test asks for it by parametrizing this fixture."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """One database for all tests here, each of which finds it empty: to make one takes longer than most tests."""
    return postgres.new_database().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    database = Database(database_url, tmp_path)
    metadata.create_all(database.engine)
    if not database.is_sqlite:
        everything = ", ".join(metadata.tables)
        with database.engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {everything} RESTART IDENTITY CASCADE"))
    yield World(database)
    database.close()


BOTH_KINDS = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))], indirect=True
)
