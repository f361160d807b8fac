"""Transactions: all or nothing, for each work alone, and on disk before they are answered."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.errors import Conflict, Unavailable
from roadstead.index.database import Database, touch
from roadstead.index.generation import EVERYTHING
from roadstead.index.tables import links, meta
from tests.unit.index.conftest import Open


class Refused(Exception):
    """What a work of these tests fails with."""


def put(key: str, value: str = "") -> sa.Insert:
    return sa.insert(meta).values(key=key, value=value)


def keys(connection: Connection) -> set[str]:
    return set(connection.execute(sa.select(meta.c.key)).scalars())


def fail_after_writing(connection: Connection) -> None:
    connection.execute(put("half"))
    raise Refused


def test_a_work_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(Refused):
        database.write_now(fail_after_writing)
    assert database.read_now(keys) == set()


def test_a_work_that_fails_takes_none_of_its_batch_along(database: Database) -> None:
    """The first work holds the writer until the others wait behind it, so that they share a commit."""
    waiting = threading.Event()

    def first(connection: Connection) -> None:
        waiting.wait()
        connection.execute(put("first"))

    async def together() -> list[object]:
        works = [
            first,
            lambda c: c.execute(put("second")) and None,
            fail_after_writing,
            lambda c: c.execute(put("third")) and None,
        ]
        running = [asyncio.ensure_future(database.write(work)) for work in works]
        await asyncio.sleep(0)
        waiting.set()
        return list(await asyncio.gather(*running, return_exceptions=True))

    results = asyncio.run(together())
    assert [type(result) for result in results] == [type(None), type(None), Refused, type(None)]
    assert database.read_now(keys) == {"first", "second", "third"}


def test_another_process_sees_what_was_acknowledged(open_database: Open) -> None:
    ours, theirs = open_database(), open_database()
    ours.write_now(lambda connection: connection.execute(put("a")) and None)
    assert theirs.read_now(keys) == {"a"}


def test_a_read_is_of_one_moment(open_database: Open) -> None:
    ours, theirs = open_database(), open_database()

    def twice(connection: Connection) -> tuple[set[str], set[str]]:
        before = keys(connection)
        theirs.write_now(lambda other: other.execute(put("between")) and None)
        return before, keys(connection)

    assert ours.read_now(twice) == (set(), set())


def test_writers_of_two_processes_wait_for_each_other(open_database: Open) -> None:
    ours, theirs = open_database(), open_database()
    ours.write_now(lambda connection: connection.execute(put("n", "0")) and None)

    def increment(connection: Connection) -> None:
        lock = sa.select(meta.c.value).where(meta.c.key == "n").with_for_update()
        value = int(connection.execute(lock).scalar_one())
        connection.execute(sa.update(meta).where(meta.c.key == "n").values(value=str(value + 1)))

    async def all_at_once() -> None:
        await asyncio.gather(*(database.write(increment) for database in (ours, theirs) for _ in range(50)))

    asyncio.run(all_at_once())
    query = sa.select(meta.c.value).where(meta.c.key == "n")
    assert ours.read_now(lambda connection: connection.execute(query).scalar()) == "100"


def test_only_what_was_committed_makes_caches_old(open_database: Open) -> None:
    ours, theirs = open_database(), open_database()
    before = (theirs.generation.of(7), theirs.generation.of(8), theirs.generation.of(EVERYTHING))

    def refused(connection: Connection) -> None:
        touch(connection, 7)
        raise Refused

    with pytest.raises(Refused):
        ours.write_now(refused)
    assert theirs.generation.of(7) == before[0]
    ours.write_now(lambda connection: touch(connection, 7))
    assert theirs.generation.of(7) != before[0]
    assert (theirs.generation.of(8), theirs.generation.of(EVERYTHING)) == before[1:]


def test_a_row_that_is_gone_is_a_conflict_in_our_words(database: Database) -> None:
    orphan = links.insert().values(repository_id=1, digest="sha256:none", created_at_ms=0, seen_at_ms=0)
    with pytest.raises(Conflict, match="try again"):
        database.write_now(lambda connection: connection.execute(orphan) and None)


@pytest.mark.parametrize(
    "open_database", [pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))], indirect=True
)
def test_who_loses_a_deadlock_runs_again(open_database: Open) -> None:
    """Each work has locked one row, and both know it, before either asks for the other's. SQLite's never can."""
    ours, theirs = open_database(), open_database()
    for key in ("a", "b"):
        ours.write_now(partial(add, key=key))
    both_hold_one = threading.Barrier(2)

    def crossing(first: str, second: str) -> Callable[[Connection], None]:
        met = threading.Event()

        def work(connection: Connection) -> None:
            connection.execute(append(first))
            if not met.is_set():
                met.set()
                both_hold_one.wait()
            connection.execute(append(second))

        return work

    async def both() -> None:
        await asyncio.gather(ours.write(crossing("a", "b")), theirs.write(crossing("b", "a")))

    asyncio.run(both())
    values = sa.select(meta.c.value).where(meta.c.key.in_(["a", "b"]))
    assert ours.read_now(lambda connection: list(connection.execute(values).scalars())) == ["xx", "xx"]


def add(connection: Connection, key: str) -> None:
    connection.execute(put(key))


def append(key: str) -> sa.Update:
    return sa.update(meta).where(meta.c.key == key).values(value=meta.c.value + "x")


def test_a_closed_database_says_so(open_database: Open) -> None:
    database = open_database()
    database.close()
    with pytest.raises(Unavailable):
        database.write_now(keys)


def test_what_need_not_last_is_seen_all_the_same_and_the_next_write_lasts(open_database: Open) -> None:
    ours, theirs = open_database(), open_database()
    setting = "PRAGMA synchronous" if ours.is_sqlite else "SHOW synchronous_commit"

    async def asked(*, durable: bool) -> str:
        def work(connection: Connection) -> str:
            connection.execute(put(f"durable={durable}"))
            return str(connection.exec_driver_sql(setting).scalar_one())

        return await ours.write(work, durable=durable)

    # What lasts is left to PostgreSQL's own configuration, which the tests' cluster has for speed alone.
    unchanged = ours.read_now(lambda connection: str(connection.exec_driver_sql(setting).scalar_one()))
    lazy, lasting = ("1", "2") if ours.is_sqlite else ("off", unchanged)
    assert asyncio.run(asked(durable=False)) == lazy
    assert theirs.read_now(keys) == {"durable=False"}
    assert asyncio.run(asked(durable=True)) == lasting
