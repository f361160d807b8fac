"""A new host for this server: all accounts get its handles and did:web DIDs, and their records name them.

One transaction, beside a running server. For the network a new DID is a new repository: it is announced as one, with a
`#sync` of its state, and the account under the former DID as deactivated. The former host stays an alias: names and
DIDs under it still mean the same accounts here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account, did_of, handle_of
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.firehose import account_event, identity_event, sync_event
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.writes import Named, Write, batches
from roadstead.core.errors import Conflict
from roadstead.index import accounts as account_rows
from roadstead.index import audit
from roadstead.index.database import touch
from roadstead.index.dialects import insert
from roadstead.index.generation import EVERYTHING
from roadstead.index.tables import accounts, host_aliases, meta, private_records
from roadstead.index.turn import take_turn
from roadstead.pds import events, records, repositories
from roadstead.pds.memory import Memory
from roadstead.pds.ports import PrivateRecords

OURS: Final = "io.atcr."
"""What the collections begin with whose records name this server's identities. Others are their owner's alone."""

FOR_GOOD_MS: Final = 2**53
"""Until when a former host means this server."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is.

    Args:
        host: its accounts are NAME.HOST.
        url: under which clients reach it.
        hold_did: as which records name its hold.
    """

    host: str
    url: str
    hold_did: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """Texts in records that mean this server or an account of it, and what they become."""

    texts: Mapping[str, str]
    dids: Mapping[str, str] = field(default_factory=dict)

    def of(self, value: Any) -> Any:
        """`value` with the new names in it."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        if not text.startswith("at://"):
            return self.texts.get(text, self.dids.get(text, text))
        authority, slash, rest = text.removeprefix("at://").partition("/")
        return f"at://{self.dids.get(authority, authority)}{slash}{rest}"


def rehost(
    connection: Connection,
    former: Place,
    place: Place,
    *,
    private: PrivateRecords,
    memory: Memory,
    now_ms: int,
    actor: str = audit.OPERATOR,
) -> list[Account]:
    """Moves this server to `place`; gives its accounts as they are then.

    Raises:
        Conflict: it is there already.
        InvalidName: the host cannot be part of a handle.
    """
    take_turn(connection)
    if place.host == account_rows.host(connection):
        raise Conflict(f"the accounts of this server are under {place.host} already")
    there = account_rows.every(connection)
    renaming = Renaming(
        texts={
            former.url: place.url,
            f"https://{former.host}": place.url,
            former.hold_did: place.hold_did,
            f"did:web:{former.host}": place.hold_did,
        },
        dids={account.did: did_of(account.name, place.host) for account in there},
    )
    _name(connection, former, place)
    for account in there:
        _rename(connection, account, place.host)
    # Only when all have their new names: records of one account name others.
    for account in there:
        _rewrite_private(connection, account.id, renaming, private)
        _rewrite_public(connection, account.id, renaming, memory, now_ms)
        _announce(connection, account, now_ms)
    audit.record(connection, now_ms, actor, "server.rehost", place.host, f"from {former.host}")
    touch(connection, EVERYTHING)
    return account_rows.every(connection)


def _name(connection: Connection, former: Place, place: Place) -> None:
    for key, value in ((account_rows.HOST_KEY, place.host), ("public_url", place.url)):
        statement = insert(connection, meta).values(key=key, value=value)
        connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
    connection.execute(host_aliases.delete().where(host_aliases.c.host.in_([former.host, place.host])))
    connection.execute(
        sa.insert(host_aliases), {"host": former.host, "public_url": former.url, "until_ms": FOR_GOOD_MS}
    )


def _rename(connection: Connection, account: Account, host: str) -> None:
    handle = str(Handle.parse(handle_of(account.name, host)))
    change = accounts.update().where(accounts.c.id == account.id)
    connection.execute(change.values(handle=handle, did=did_of(account.name, host)))


def _rewrite_private(connection: Connection, account_id: int, renaming: Renaming, private: PrivateRecords) -> None:
    mine = private_records.c.account_id == account_id
    collections = connection.execute(sa.select(private_records.c.collection).distinct().where(mine)).scalars().all()
    for collection in collections:
        found = private.records(connection, account_id, collection)
        for batch in batches(_changed(found, renaming)):
            private.apply(connection, account_id, [Write.put(collection, rkey, value) for rkey, value in batch])


def _rewrite_public(connection: Connection, account_id: int, renaming: Renaming, memory: Memory, now_ms: int) -> None:
    """Rewrites the records, and signs the repository for its new DID even where nothing is to be rewritten."""

    def commit(writes: Sequence[Write]) -> None:
        repositories.commit(connection, account_id, writes, now_ms=now_ms, memory=memory, announced=False, resign=True)

    commit(())
    for collection in records.collections(connection, account_id):
        if collection.startswith(OURS):
            found = ((one.rkey, one.value()) for one in records.every(connection, account_id, collection))
            for batch in batches(_changed(found, renaming)):
                commit([Write.put(collection, rkey, value) for rkey, value in batch])


def _announce(connection: Connection, former: Account, now_ms: int) -> None:
    there, time = repositories.hosted(connection, former.id), events.moment(now_ms)
    for event in (
        account_event(Did.parse(former.did), time, status="deactivated"),
        identity_event(there.did, Handle.parse(there.handle), time),
        account_event(there.did, time),
        sync_event(there.did, there.head, there.commit_block, time),
    ):
        events.append(connection, former.id, event, now_ms)


def _changed(found: Iterable[Named], renaming: Renaming) -> Iterator[Named]:
    for rkey, value in found:
        renamed = renaming.of(value)
        if renamed != value:
            yield rkey, renamed
