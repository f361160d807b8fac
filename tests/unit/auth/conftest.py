"""A whole authentication on a database of its own, SQLite and PostgreSQL alike, with a clock that the test sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roadstead.index import schema
from roadstead.index.database import Database
from tests.rig.postgres import Postgres
from tests.unit.auth.rig import AuthRig


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the schema in force."""
    url = f"sqlite:///{tmp_path / 'roadstead.db'}"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database().replace("postgresql://", "postgresql+psycopg://")
    ours = Database(url, tmp_path)
    schema.ensure(ours.engine)
    yield ours
    ours.close()


@pytest.fixture
def rig(database: Database, tmp_path: Path) -> Iterator[AuthRig]:
    """One process's authentication on the database."""
    ours = AuthRig(database, tmp_path / "limits")
    yield ours
    ours.close()
