"""A whole authentication on a database of its own, SQLite and PostgreSQL alike, with a clock that the test sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.index import schema
from roadstead.index.database import Database
from roadstead.index.tables import metadata
from tests.rig.postgres import Postgres
from tests.unit.auth.rig import AuthRig


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """One database for all tests here, each of which empties it: to make one takes longer than most of them."""
    return postgres.new_database().replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the schema in force."""
    url: str = f"sqlite:///{tmp_path / 'roadstead.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    ours = Database(url, tmp_path)
    schema.ensure(ours.engine)
    if not ours.is_sqlite:
        everything = ", ".join(table.name for table in metadata.sorted_tables)
        ours.write_now(lambda connection: connection.execute(sa.text(f"TRUNCATE {everything} CASCADE")))
    yield ours
    ours.close()


@pytest.fixture
def rig(database: Database, tmp_path: Path) -> Iterator[AuthRig]:
    """One process's authentication on the database."""
    ours = AuthRig(database, tmp_path / "limits")
    yield ours
    ours.close()
