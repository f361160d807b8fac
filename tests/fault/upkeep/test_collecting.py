"""Garbage collection that races pushes, and one that is killed between the unlinking of a file and its commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.core.oci.digest import Digest
from roadstead.index import tables
from tests.rig.depot import Depot, depot
from tests.rig.postgres import Postgres
from tests.rig.world import HOUR_MS, World

OLD_MS = 100 * HOUR_MS


def race(data: Path, url: str, seconds: float) -> None:
    """Lets three pushers and a collector loose; then checks that nothing is missing that anything names."""
    with depot(data, database_url=url) as opened:
        opened.account()
    environment = {**os.environ, "ROADSTEAD_DATA": str(data), "ROADSTEAD_DATABASE_URL": url}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.rig.racing", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    pushers = [start("push", str(seed)) for seed in range(3)]
    removed = finished(start("collect", "3", str(seconds)))
    pushed = sum(map(finished, pushers))
    assert removed, "nothing was collected"
    assert pushed, "nothing was pushed"
    with depot(data, database_url=url) as opened:
        check_whole(opened)


def finished(process: subprocess.Popen[str]) -> int:
    """Ends its input, waits for its end, and gives what it has done."""
    output, error = process.communicate()
    assert process.returncode == 0, error
    return int(output)


def check_whole(opened: Depot) -> None:
    """Every manifest's blobs are linked, sound and stored, its children there, its bytes kept, its record written."""
    services = opened.services
    with services.database.engine.connect() as connection:
        references = connection.execute(sa.select(tables.manifest_references)).all()

        def keys(table: sa.Table) -> set[tuple[int, str]]:
            return {(row[0], row[1]) for row in connection.execute(sa.select(table.c.repository_id, table.c.digest))}

        linked, present, tags = keys(tables.links), keys(tables.manifests), keys(tables.tags)
        kept = set(connection.execute(sa.select(tables.manifest_contents.c.sha256)).scalars())
        blobs = set(connection.execute(sa.select(tables.blobs.c.digest)).scalars())
    for row in references:
        where = (row.repository_id, row.child)
        assert where in (present if row.kind == "manifest" else linked), row
    assert tags <= present
    assert {digest.removeprefix("sha256:") for _, digest in present} <= kept
    assert {digest for _, digest in linked} <= blobs
    for digest in blobs:
        check = services.store.check(Digest.parse(digest))
        assert check is not None, digest
        assert check.intact, digest
    before = index_of(opened)
    opened.reindex()
    assert index_of(opened) == before


def index_of(opened: Depot) -> dict[str, list[object]]:
    """The index, but for platforms: a config that was collected and pushed again could not be read in between."""
    where = list(tables.manifests.c.keys()).index("platform")
    found = opened.dump()
    found["manifests"] = [(*row[:where], *row[where + 1 :]) for row in found["manifests"]]
    return found


def test_pushes_and_collections_race(tmp_path: Path) -> None:
    race(tmp_path / "data", "", 3)


@pytest.mark.peer("postgresql")
def test_pushes_and_collections_race_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    race(tmp_path / "data", postgres.new_database(), 3)


@pytest.mark.soak
def test_pushes_and_collections_race_for_an_hour(tmp_path: Path) -> None:
    race(tmp_path / "data", "", 3600)


@pytest.mark.soak
@pytest.mark.peer("postgresql")
def test_pushes_and_collections_race_on_postgresql_for_an_hour(postgres: Postgres, tmp_path: Path) -> None:
    race(tmp_path / "data", postgres.new_database(), 3600)


KILLED = """
import os, sys
from pathlib import Path
from tests.rig.world import World

world = World(Path(sys.argv[1]))
remove = world.store.remove

def remove_and_die(digest):
    remove(digest)
    os._exit(9)

world.store.remove = remove_and_die
world.collect()
"""


def test_a_collection_killed_between_unlink_and_commit_is_finished_by_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    digests = {world.blob(b"%d" % number, age_ms=OLD_MS) for number in range(3)}
    world.close()
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == 9
    world = World(tmp_path)
    assert world.blobs() == digests
    assert len(world.files()) == 2
    assert world.collect().blobs == 3
    assert world.files() == world.blobs() == set()
    world.close()


def test_what_a_killed_collection_unlinked_is_healed_by_a_push(tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    repository = world.repository(world.account())
    digest = world.blob(b"layer", age_ms=OLD_MS)
    world.close()
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "data")], check=False).returncode == 9
    world = World(tmp_path / "data")
    source = tmp_path / "data" / "source"
    source.write_bytes(b"layer")
    world.store.publish(source, Digest.parse(digest))
    world.link(repository, digest)
    assert world.collect().blobs == 0
    check = world.store.check(Digest.parse(digest))
    assert check is not None
    assert check.intact
    world.close()
