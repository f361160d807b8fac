"""Pulls and pushes as a worker counts them: in memory at once, in SQL soon after.

What counts as a pull is decided where manifests are served. A worker that is killed loses `FLUSH_S` of counts.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from roadstead.core.errors import RoadsteadError
from roadstead.index import counts
from roadstead.index.database import Database

log = structlog.get_logger()

FLUSH_S: Final = 5.0


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


class Counts:
    """The counts of one worker; `roadstead.registry.ports.Counts`.

    Args:
        today: the day as `YYYY-MM-DD`, UTC.
    """

    def __init__(self, database: Database, today: Callable[[], str] = _today) -> None:
        self._database = database
        self._today = today
        self._pulls: Counter[int] = Counter()
        self._pushes: Counter[int] = Counter()

    def pull(self, repository_id: int) -> None:
        """Counts one pull."""
        self._pulls[repository_id] += 1

    def push(self, repository_id: int) -> None:
        """Counts one push."""
        self._pushes[repository_id] += 1

    async def run(self) -> None:
        """Writes the counts down every few seconds, until it is cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Writes down what was counted; what cannot be written is kept for the next time."""
        pulls, self._pulls = self._pulls, Counter()
        pushes, self._pushes = self._pushes, Counter()
        more = {key: (pulls[key], pushes[key]) for key in pulls.keys() | pushes.keys()}
        if not more:
            return
        try:
            await self._database.write(partial(counts.add, day=self._today(), more=more), durable=False)
        except RoadsteadError as error:
            self._pulls.update(pulls)
            self._pushes.update(pushes)
            log.warning("the counts of pulls and pushes cannot be written down now", reason=str(error))
