"""What the registry needs of others, as Protocols: they meet it here and never import it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.atproto.writes import Write


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one account's records, and of the index with them.

    A store that lives in this database does all of it in one transaction. One that does not (a PDS elsewhere)
    commits `prepare`, sends the writes, and commits `index` when they are acknowledged.

    Args:
        prepare: checks that the change is permitted, keeps the content that it names, and gives the writes.
        index: brings the derived tables up to date.
    """

    account_id: int
    prepare: Callable[[Connection], Sequence[Write]]
    index: Callable[[Connection], None]


class AccountResolver(Protocol):
    """Names of accounts to accounts."""

    async def account(self, component: str) -> Account:
        """The account that a repository name's first component means: its name, handle or DID, former hosts included.

        Raises:
            UnknownName: it is no account of this server.
        """


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


class Counts(Protocol):
    """How often repositories are pulled from and pushed to. Counting may be lost, never waited for."""

    def pull(self, repository_id: int) -> None:
        """Counts one pull."""

    def push(self, repository_id: int) -> None:
        """Counts one push."""
