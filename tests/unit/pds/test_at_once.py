"""Several processes that commit to one repository at once lose nothing, and the firehose stays in order."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import random
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from roadstead.core.atproto.firehose import Frame
from roadstead.core.atproto.nsid import Nsid
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.atproto.writes import Action, Write
from roadstead.index import links
from roadstead.index.database import Database
from roadstead.pds import events, repositories
from roadstead.pds.memory import Memory
from roadstead.pds.record_store import PdsRecordStore
from roadstead.registry.ports import Change
from tests.unit.pds.conftest import BOTH_KINDS, NOW_MS, World

THING = Nsid("com.example.thing")
PROCESSES = 3
COMMITS = 40


def commit_many(url: str, folder: Path, account_id: int, process: int) -> None:
    """What each process does: records of its own, and one that all of them write."""
    database, memory = Database(url, folder), Memory()

    def commit(number: int) -> None:
        writes = [
            Write(Action.CREATE, THING, RecordKey(f"p{process}-{number}"), {"$type": THING}),
            Write(Action.PUT, THING, RecordKey("shared"), {"$type": THING, "process": process, "number": number}),
        ]
        database.write_now(
            lambda connection: repositories.commit(connection, account_id, writes, now_ms=NOW_MS, memory=memory)
        )

    for number in range(COMMITS):
        commit(number)
    database.close()


@BOTH_KINDS
def test_processes_lose_nothing(world: World, database_url: str, tmp_path: Path) -> None:
    account_id = world.account("alice")
    spawn = multiprocessing.get_context("spawn")
    running = [
        spawn.Process(target=commit_many, args=(database_url, tmp_path, account_id, process))
        for process in range(PROCESSES)
    ]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert [one.exitcode for one in running] == [0] * PROCESSES
    own = {f"{THING}/p{process}-{number}" for process in range(PROCESSES) for number in range(COMMITS)}
    assert world.leaves("alice").keys() == own | {f"{THING}/shared"}

    told = world.database.read_now(lambda connection: events.after(connection, 0, 10_000, 10**9))
    commits = [frame.payload for one in told if (frame := Frame.decode(one.event.frame(one.seq))).kind == "#commit"]
    assert len(commits) == 1 + PROCESSES * COMMITS
    for before, after in itertools.pairwise(commits):
        assert after["since"] == before["rev"], "an event stands before the one that it follows"
    assert commits[-1]["commit"] == world.hosted("alice").head.cid


@pytest.mark.peer("postgresql")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_replicas_that_push_the_same_layers_do_not_wait_for_each_other_for_ever(
    world: World, database_url: str, tmp_path: Path
) -> None:
    account_id = world.account("alice")
    layers = [f"sha256:{number:064x}" for number in range(4)]

    async def push(replica: int) -> None:
        folder = tmp_path / f"replica{replica}"
        folder.mkdir()
        database, chance = Database(database_url, folder), random.Random(replica)
        store = PdsRecordStore(database, Memory())

        def publish(connection: Connection) -> None:
            links.put_blob(connection, chance.choice(layers), 5, NOW_MS)

        def record(key: str) -> Change:
            writes = [Write.put(THING, key, {"$type": THING})]
            return Change(account_id, lambda _: writes, publish)

        for turn in range(10):
            records = [store.commit(record(f"r{replica}-{turn}-{number}")) for number in range(4)]
            await asyncio.gather(*records, *(database.write(publish) for _ in range(8)))
        await asyncio.to_thread(database.close)

    async def all_of_them() -> None:
        await asyncio.gather(*map(push, range(3)))

    asyncio.run(all_of_them())
    assert len(world.leaves("alice")) == 3 * 10 * 4
