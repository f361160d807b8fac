"""Answers of SQL that are remembered: never older than what an acknowledged write has changed."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from roadstead.core.errors import Unavailable
from roadstead.index import schema
from roadstead.index.database import Database, touch
from roadstead.index.generation import EVERYTHING, MAX_AGE_S
from roadstead.index.remembered import Remembered


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    ours = Database(f"sqlite:///{tmp_path / 'roadstead.db'}", tmp_path)
    schema.ensure(ours.engine)
    yield ours
    ours.close()


class Source:
    """What is asked: gives its value, counts how often, and can be held back."""

    def __init__(self) -> None:
        self.value = 0
        self.asked = 0
        self.being_asked = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()

    def __call__(self, _connection: Connection, _key: str) -> int:
        self.asked += 1
        value = self.value
        self.being_asked.release()
        self.open.wait()
        return value


def _change(database: Database) -> None:
    database.write_now(lambda connection: touch(connection, EVERYTHING))


def test_it_asks_once_until_something_changes_or_a_second_has_passed(database: Database) -> None:
    source, now_s = Source(), 0.0
    remembered = Remembered(database, source, monotonic=lambda: now_s)

    async def scenario() -> None:
        nonlocal now_s
        for _ in range(3):
            assert await remembered.get("a") == 0
        assert source.asked == 1
        source.value = 1
        _change(database)
        assert await remembered.get("a") == 1
        assert source.asked == 2
        now_s += MAX_AGE_S
        await remembered.get("a")
        assert source.asked == 3

    asyncio.run(scenario())


def test_those_who_ask_together_share_an_answer(database: Database) -> None:
    source = Source()
    remembered = Remembered(database, source)

    async def scenario() -> None:
        assert await asyncio.gather(*(remembered.get("a") for _ in range(20))) == [0] * 20
        assert source.asked == 1

    asyncio.run(scenario())


def test_nobody_joins_a_question_from_before_a_change(database: Database) -> None:
    source = Source()
    remembered = Remembered(database, source)

    async def scenario() -> None:
        source.open.clear()
        early = asyncio.create_task(remembered.get("a"))
        await asyncio.to_thread(source.being_asked.acquire)
        source.value = 1
        await asyncio.to_thread(_change, database)
        late = asyncio.create_task(remembered.get("a"))
        await asyncio.to_thread(source.being_asked.acquire)
        source.open.set()
        assert (await early, await late) == (0, 1)
        assert await remembered.get("a") == 1

    asyncio.run(scenario())


def test_one_who_gives_up_leaves_the_answer_to_the_others(database: Database) -> None:
    source = Source()
    remembered = Remembered(database, source)

    async def scenario() -> None:
        source.open.clear()
        first = asyncio.create_task(remembered.get("a"))
        second = asyncio.create_task(remembered.get("a"))
        await asyncio.sleep(0)
        first.cancel()
        source.open.set()
        assert await second == 0
        assert source.asked == 1

    asyncio.run(scenario())


def test_a_failure_is_told_to_all_and_not_remembered(database: Database) -> None:
    failures = [Unavailable("down")]

    def load(_connection: Connection, _key: str) -> int:
        if failures:
            raise failures.pop()
        return 7

    remembered = Remembered(database, load)

    async def scenario() -> None:
        both = await asyncio.gather(remembered.get("a"), remembered.get("a"), return_exceptions=True)
        assert [type(one) for one in both] == [Unavailable, Unavailable]
        assert await remembered.get("a") == 7

    asyncio.run(scenario())


def test_it_keeps_only_so_many(database: Database) -> None:
    source = Source()
    remembered = Remembered(database, source, most=2)

    async def scenario() -> None:
        for key in ("a", "b", "c", "c", "b", "a"):
            await remembered.get(key)
        assert source.asked == 4

    asyncio.run(scenario())
