"""What the PDS needs of others, as Protocols: they meet it here and never import it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.access.rights import Asker
from roadstead.core.atproto.writes import Write


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What a commit that came by XRPC did to one record: `None` before means created, `None` after deleted."""

    collection: str
    rkey: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class RecordObserver(Protocol):
    """Who keeps something that is derived from records: the registry's index."""

    def written(self, connection: Connection, account_id: int, changes: Sequence[RecordChange]) -> None:
        """Hears of records of `core.atproto.atcr.OF_REPOSITORY` that were written by XRPC, after their commit.

        Runs in its transaction, holding the turn (`roadstead.index.turn`); what it raises undoes all. The records are
        anything that their owner liked to write: they may be malformed, name a private repository, or content that
        nobody has. They give no right to anything. A manifest's bytes are in `manifest_contents` by the SHA-256 of its
        `manifestBlob`, if its owner uploaded them as what they are.
        """


class Session(Protocol):
    """Who logged in, and the tokens to show it with."""

    @property
    def asker(self) -> Asker:
        """Who it is."""

    @property
    def access_jwt(self) -> str:
        """Good for a short time."""

    @property
    def refresh_jwt(self) -> str:
        """Good once, for a new session."""


class Sessions(Protocol):
    """Logging in."""

    async def create(self, identifier: str, password: str, address: str) -> Session:
        """A new session.

        Raises:
            Unauthorized: the name or the password is wrong.
            TooManyRequests: too many failed attempts from this address.
        """

    async def refresh(self, refresh_jwt: str) -> Session:
        """The session that follows one.

        Raises:
            Unauthorized: the token is not good.
        """

    async def delete(self, refresh_jwt: str) -> None:
        """Ends a session.

        Raises:
            Unauthorized: the token is not good.
        """

    async def asker(self, access_jwt: str) -> Asker:
        """Whose an access token is.

        Raises:
            Unauthorized: the token is not good.
        """


class AccountResolver(Protocol):
    """Names of accounts to accounts."""

    async def account(self, component: str) -> Account:
        """The account that a name, a handle or a DID means, former hosts included.

        Raises:
            InvalidName: it is none of them.
            UnknownName: it is no account of this server.
        """


class PrivateRecords(Protocol):
    """The records that are not in the PDS."""

    def records(
        self, connection: Connection, account_id: int, collection: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The records of a collection as (rkey, value), in the order of their keys."""

    def apply(self, connection: Connection, account_id: int, writes: Sequence[Write]) -> None:
        """Makes `writes`, all or none."""
