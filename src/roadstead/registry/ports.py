"""What the registry needs of others, as Protocols: they meet it here and never import it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.records import RecordWrite


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one account's records, and of the index with them.

    A store that lives in this database does all of it in one transaction. One that does not (a PDS elsewhere)
    commits `prepare`, sends the writes, and commits `index` when they are acknowledged.

    Args:
        prepare: checks that the change is permitted, claims the content that it names, and gives the writes.
        index: brings the derived tables up to date.
    """

    account_id: int
    prepare: Callable[[Connection], Sequence[RecordWrite]]
    index: Callable[[Connection], None]


class RecordStore(Protocol):
    """Where an account's records are kept: its PDS, or, for private repositories, this server's database."""

    async def commit(self, change: Change) -> None:
        """Makes the change durable, wholly or not at all.

        Raises:
            Conflict: somebody else changed the same records first, again and again.
            Unavailable: the store cannot be reached.
        """

    def records(
        self, connection: Connection, account_id: int, collection: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The records of a collection as (rkey, value), in the order of their keys."""

    def get(self, connection: Connection, account_id: int, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """One record, if it is there."""
