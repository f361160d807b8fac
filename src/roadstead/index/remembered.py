"""Answers of SQL about accounts, hosts and keys, remembered for as long as they are certainly true.

An answer is good while the generation of `EVERYTHING` is the one that was read before asking, and for `MAX_AGE_S`
at most, for replicas on other machines. Several who ask for the same at once share one query; but nobody joins a
query that began before a change which they may already know of.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.engine import Connection

from roadstead.index.database import Database
from roadstead.index.generation import EVERYTHING, MAX_AGE_S

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Answer(Generic[V]):
    generation: int
    good_until_s: float
    value: V


@dataclass(slots=True)
class _Question(Generic[V]):
    generation: int
    task: asyncio.Task[V]


class Remembered(Generic[K, V]):
    """What `load` answers, by key.

    Args:
        load: run within a read transaction.
        most: answers kept; the oldest goes first.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        database: Database,
        load: Callable[[Connection, K], V],
        *,
        most: int = 4096,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._load = load
        self._most = most
        self._monotonic = monotonic
        self._answers: dict[K, _Answer[V]] = {}
        self._asked: dict[K, _Question[V]] = {}

    async def get(self, key: K) -> V:
        """The answer for `key`; suspends only when it has to ask.

        Raises:
            Unavailable: the database does not answer.
        """
        generation = self._database.generation.of(EVERYTHING)
        answer = self._answers.get(key)
        if answer is not None and answer.generation == generation and self._monotonic() < answer.good_until_s:
            return answer.value
        question = self._asked.get(key)
        if question is None or question.generation != generation:
            question = _Question(generation, asyncio.ensure_future(self._ask(key, generation)))
            self._asked[key] = question
        # One who gives up must not take the answer from the others.
        return await asyncio.shield(question.task)

    async def _ask(self, key: K, generation: int) -> V:
        try:
            good_until_s = self._monotonic() + MAX_AGE_S
            value = await self._database.read(lambda connection: self._load(connection, key))
            self._answers.pop(key, None)
            if len(self._answers) >= self._most:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = _Answer(generation, good_until_s, value)
            return value
        finally:
            asked = self._asked.get(key)
            if asked is not None and asked.task is asyncio.current_task():
                del self._asked[key]
