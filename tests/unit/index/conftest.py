"""An empty database with the schema in force, SQLite and PostgreSQL alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from roadstead.index import schema
from roadstead.index.database import Database
from tests.rig.postgres import Postgres

Open = Callable[[], Database]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def open_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same database again and again, as one process after the other does."""
    url = f"sqlite:///{tmp_path / 'roadstead.db'}"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database().replace("postgresql://", "postgresql+psycopg://")
    with ExitStack() as stack:

        def opened() -> Database:
            database = stack.enter_context(closing(Database(url, tmp_path)))
            schema.ensure(database.engine)
            return database

        yield opened


@pytest.fixture
def database(open_database: Open) -> Database:
    """One process's database."""
    return open_database()
