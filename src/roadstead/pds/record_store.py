"""The records of this server's accounts, as the registry sees them: `roadstead.registry.ports.RecordStore`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.atproto.writes import Write
from roadstead.index.database import Database
from roadstead.index.turn import take_turn
from roadstead.pds import events, records, repositories
from roadstead.pds.memory import Memory


class Change(Protocol):
    """A change of one account's records, and of what is derived from them: see `roadstead.registry.ports.Change`."""

    @property
    def account_id(self) -> int: ...

    @property
    def prepare(self) -> Callable[[Connection], Sequence[Write]]: ...

    @property
    def index(self) -> Callable[[Connection], None]: ...


class PdsRecordStore:
    """Records in the embedded PDS: each change is one signed commit, in one transaction with the index.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, memory: Memory, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._memory = memory
        self._clock = clock

    async def commit(self, change: Change) -> None:
        """Makes the change durable, wholly or not at all.

        Raises:
            UnknownRecord: the account is gone.
            InvalidRecord: a write breaks the rules of a repository.
            Unavailable: the database does not answer.
        """

        def work(connection: Connection) -> None:
            # First of all, so that two processes cannot each hold what the other waits for.
            take_turn(connection)
            self.apply(connection, change.account_id, change.prepare(connection))
            change.index(connection)

        await self._database.write(work)

    def apply(self, connection: Connection, account_id: int, writes: Sequence[Write]) -> None:
        """Makes `writes`, all or none, within a transaction of the caller. See `roadstead.pds.repositories.commit`."""
        self._apply(connection, account_id, writes, announced=True)

    def withdraw(self, connection: Connection, account_id: int, collection: str, rkeys: Sequence[str]) -> None:
        """Deletes records so that nothing here tells of them any more: no event, no tree node, no blob.

        Followed by `forget` in the same transaction, once all are withdrawn.
        """
        self._apply(connection, account_id, [Write.discard(collection, rkey) for rkey in rkeys], announced=False)

    def forget(self, connection: Connection, account_id: int) -> None:
        """Drops from the firehose's backlog what may tell of withdrawn records; see `events.forget_commits`."""
        there = repositories.hosted(connection, account_id)
        events.forget_commits(connection, account_id, there.did, there.head, there.commit_block, self._now_ms())

    def _apply(self, connection: Connection, account_id: int, writes: Sequence[Write], *, announced: bool) -> None:
        repositories.commit(
            connection,
            account_id,
            writes,
            now_ms=self._now_ms(),
            memory=self._memory,
            announced=announced,
            trusted=True,
        )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def records(
        self, connection: Connection, account_id: int, collection: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The records of a collection as (rkey, value), in the order of their keys."""
        for record in records.every(connection, account_id, collection):
            yield record.rkey, record.value()

    def get(self, connection: Connection, account_id: int, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """One record, if it is there."""
        found = records.get(connection, account_id, collection, rkey)
        return found.value() if found else None
