"""Data folders for the jobs, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.depot import Depot, depot
from tests.rig.postgres import Postgres
from tests.rig.world import World


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database; empty text means SQLite in the data folder."""
    if request.param == "sqlite":
        return ""
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_database()


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[World]:
    """Rows and files made at will."""
    ours = World(tmp_path / "data", url or None)
    yield ours
    ours.close()


@pytest.fixture
def filled(url: str, tmp_path: Path) -> Iterator[Depot]:
    """A depot with an account `alice`."""
    with depot(tmp_path / "data", database_url=url) as opened:
        opened.account()
        yield opened
