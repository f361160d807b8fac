"""Leases among processes of one folder, and among machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadstead.core.errors import Conflict
from roadstead.index import leases
from roadstead.upkeep.lease import LIFE_S, hold
from tests.rig.world import NOW_MS, World


def test_one_process_of_a_folder_has_it(world: World) -> None:
    with (
        hold(world.database, world.folder, "gc", lambda: NOW_MS),
        pytest.raises(Conflict, match="another process holds"),
        hold(world.database, world.folder, "gc", lambda: NOW_MS),
    ):
        pass


def test_different_jobs_do_not_mind_each_other(world: World) -> None:
    with (
        hold(world.database, world.folder, "gc", lambda: NOW_MS),
        hold(world.database, world.folder, "verify", lambda: NOW_MS),
    ):
        pass


def test_it_is_given_back_at_the_end(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other-machine"
    other.mkdir()
    with hold(world.database, world.folder, "gc", lambda: NOW_MS):
        pass
    with hold(world.database, other, "gc", lambda: NOW_MS):
        pass


def test_another_machine_waits_until_it_has_run_out(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other-machine"
    other.mkdir()
    with hold(world.database, world.folder, "gc", lambda: NOW_MS):
        with pytest.raises(Conflict), hold(world.database, other, "gc", lambda: NOW_MS):
            pass
        with hold(world.database, other, "gc", lambda: NOW_MS + int(LIFE_S * 1000)):
            pass


def test_a_killed_process_of_the_same_folder_is_not_waited_for(world: World) -> None:
    with hold(world.database, world.folder, "gc", lambda: NOW_MS):
        pass
    place = (world.folder / "gc.lock").read_text().strip()
    killed = f"{place}:1:0"
    world.database.write_now(
        lambda connection: leases.acquire(connection, "gc", killed, NOW_MS + 10**9, NOW_MS, takes_from=place)
    )
    with hold(world.database, world.folder, "gc", lambda: NOW_MS) as lease:
        lease.check()
