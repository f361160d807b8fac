"""Rebuilding the index: it is what it was, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.core.atproto import atcr
from roadstead.index import tables
from tests.rig.depot import Depot, depot
from tests.rig.postgres import Postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Depot]:
    """A depot with accounts, public and private repositories, indexes, referrers and tags."""
    url = ""
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    with depot(tmp_path / "data", database_url=url) as opened:
        alice, bob = opened.account("alice"), opened.account("bob")
        for account, path, visibility in (
            (alice, "app", "public"),
            (alice, "app/sub", "public"),
            (alice, "secret", "private"),
            (bob, "app", "public"),
        ):
            repository = opened.repository(account, path, visibility)
            images = [opened.image(repository, b"layer %d" % number) for number in range(2)]
            opened.index(repository, images, "1", "latest")
            opened.image(repository, b"signature", subject=images[0])
            opened.image(repository, b"layer 0", "one")
            opened.image(repository, b"layer 0", "one", "two")
        yield opened


def everything(depot: Depot) -> dict[str, list[object]]:
    return depot.dump(*(table.name for table in tables.metadata.sorted_tables))


def test_an_index_that_was_whole_is_the_same(filled: Depot) -> None:
    before = everything(filled)
    report = filled.reindex()
    assert everything(filled) == before
    assert (report.accounts, report.manifests, report.tags, report.skipped) == (2, 16, 16, [])
    assert all(row[8] for row in before["manifests"] if "index" not in row[3]), "platforms are known"  # type: ignore[index]  # rows are tuples


def test_an_index_that_was_emptied_is_the_same(filled: Depot) -> None:
    before = everything(filled)
    for table in tables.DERIVED:
        filled.execute(table.delete())
    filled.reindex()
    assert everything(filled) == before


def test_what_is_in_the_index_by_mistake_goes(filled: Depot) -> None:
    before = everything(filled)
    row = {"repository_id": 1, "tag": "ghost", "digest": "sha256:0", "updated_at_ms": 0}
    filled.execute(sa.insert(tables.tags).values(row))
    filled.execute(tables.tags.update().where(tables.tags.c.tag == "latest").values(digest="sha256:1"))
    filled.reindex()
    assert everything(filled) == before


def test_a_record_without_its_bytes_is_told_with_its_tags(filled: Depot) -> None:
    filled.execute(tables.tags.delete())
    filled.execute(tables.manifests.delete())
    filled.execute(tables.manifest_contents.delete())
    report = filled.reindex()
    assert (report.manifests, report.tags) == (0, 0)
    assert {skipped.collection for skipped in report.skipped} == {atcr.MANIFEST, atcr.TAG}


def test_records_of_a_store_where_the_repository_is_not_are_passed_over(filled: Depot) -> None:
    filled.execute(
        tables.repositories.update().where(tables.repositories.c.path == "secret").values(visibility="public")
    )
    report = filled.reindex()
    assert report.skipped
    assert {skipped.reason for skipped in report.skipped} == {"alice has no private repository secret"}
