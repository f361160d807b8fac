"""Publishing and hiding a repository: its records move between this server's database and its account's PDS.

In one transaction, so that they are in one of the two at any moment, and a push that finds them moved starts anew.
Hiding takes back all that this server gives out: records, tree, blobs, the firehose's backlog. What others have read
before cannot be recalled; the command says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Visibility
from roadstead.core.atproto import atcr
from roadstead.core.atproto.recordkey import parse_record_key
from roadstead.core.atproto.writes import Write, batches
from roadstead.core.errors import Conflict, InvalidRecord, UnknownName
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import accounts, audit, repositories
from roadstead.index.database import touch
from roadstead.index.repositories import RepositoryRow
from roadstead.index.tables import repositories as table
from roadstead.index.turn import take_turn


class Shelf(Protocol):
    """Where records can be put."""

    def records(
        self, connection: Connection, account_id: int, collection: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The records of a collection as (rkey, value), in the order of their keys."""

    def get(self, connection: Connection, account_id: int, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """One record, if it is there."""

    def apply(self, connection: Connection, account_id: int, writes: Sequence[Write]) -> None:
        """Makes `writes`, all or none."""


class PublicShelf(Shelf, Protocol):
    """A shelf that tells the world of what is put on it."""

    def withdraw(self, connection: Connection, account_id: int, collection: str, rkeys: Sequence[str]) -> None:
        """Deletes records without telling anybody."""

    def forget(self, connection: Connection, account_id: int) -> None:
        """Drops all that is kept for readers and may tell of withdrawn records."""


@dataclass(frozen=True, slots=True)
class Visibilities:
    """Changes who may see a repository."""

    public: PublicShelf
    private: Shelf

    def publish(self, connection: Connection, name: str, *, now_ms: int, actor: str = audit.OPERATOR) -> RepositoryRow:
        """Makes a repository public; gives its row as it was.

        Raises:
            UnknownName: there is no such repository.
            Conflict: it is public already.
        """
        row = _changed(connection, name, Visibility.PUBLIC, now_ms, actor)
        _move(connection, row, self.private, self.public, self._delete_private)
        return row

    def hide(self, connection: Connection, name: str, *, now_ms: int, actor: str = audit.OPERATOR) -> RepositoryRow:
        """Makes a repository private; gives its row as it was.

        Raises:
            UnknownName: there is no such repository.
            Conflict: it is private already.
        """
        row = _changed(connection, name, Visibility.PRIVATE, now_ms, actor)
        _move(connection, row, self.public, self.private, self.public.withdraw)
        self.public.forget(connection, row.account_id)
        return row

    def _delete_private(self, connection: Connection, account_id: int, collection: str, rkeys: Sequence[str]) -> None:
        self.private.apply(connection, account_id, [Write.discard(collection, rkey) for rkey in rkeys])


def _changed(connection: Connection, name: str, visibility: Visibility, now_ms: int, actor: str) -> RepositoryRow:
    take_turn(connection)
    parsed = RepositoryName.parse(name)
    account = accounts.find(connection, parsed.owner, now_ms)
    row = repositories.by_name(connection, account.id, parsed.path)
    if row is None:
        raise UnknownName(f"there is no repository {name}", remedy="push to it first")
    if row.visibility == visibility:
        raise Conflict(f"{row.name} is {visibility} already")
    connection.execute(table.update().where(table.c.id == row.id).values(visibility=visibility))
    audit.record(connection, now_ms, actor, f"repository.{visibility}", row.name)
    touch(connection, row.id)
    return row


def _move(
    connection: Connection,
    row: RepositoryRow,
    source: Shelf,
    target: Shelf,
    remove: Callable[[Connection, int, str, Sequence[str]], None],
) -> None:
    renamed: dict[str, str] = {}
    # Manifests first: tags name them by their keys.
    for collection in atcr.OF_REPOSITORY:
        keys = _Keys(connection, source, target, row, collection)
        theirs = (
            (rkey, value)
            for rkey, value in source.records(connection, row.account_id, collection)
            if value.get("repository") == row.path
        )
        for batch in batches(theirs):
            for rkey, value in batch:
                new_rkey = keys.put(rkey, _pointed(value, renamed))
                if new_rkey != rkey and collection == atcr.MANIFEST:
                    renamed[rkey] = new_rkey
            target.apply(connection, row.account_id, keys.batch())
            remove(connection, row.account_id, collection, [rkey for rkey, _ in batch])


class _Keys:
    """The keys that records of a repository get where they go, and a batch of them on its way there.

    The fields decide, as at any push. Where two records are of one manifest or tag, which only their owner can have
    written, the one that the registry knew keeps being the one; others move as they are, so that none is lost.
    """

    def __init__(
        self, connection: Connection, source: Shelf, target: Shelf, row: RepositoryRow, collection: str
    ) -> None:
        self._connection = connection
        self._source = source
        self._target = target
        self._row = row
        self._collection = collection
        self._put: dict[str, Write] = {}
        self._given: set[str] = set()

    def put(self, rkey: str, value: Mapping[str, Any]) -> str:
        """Adds a record to the batch; gives its key."""
        key = self._of_fields(rkey, value)
        if key is None or key in self._given:
            key = self._free(rkey)
        self._given.add(key)
        self._put[key] = Write.put(self._collection, key, value)
        return key

    def batch(self) -> list[Write]:
        """The batch, and begins the next one."""
        batch, self._put = list(self._put.values()), {}
        return batch

    def _of_fields(self, rkey: str, value: Mapping[str, Any]) -> str | None:
        """The key that the registry looks for the record under; None where it never looked for this one."""
        path = self._row.path
        try:
            if self._collection == atcr.MANIFEST:
                digest = atcr.read_manifest_record(value).digest
                known = atcr.find_manifest(path, digest, self._from)
                return atcr.manifest_rkey(path, digest, self._there) if known in (None, rkey) else None
            if self._collection == atcr.TAG:
                tag = atcr.read_tag_record(value).tag
                known = atcr.find_tag(path, tag, self._from)
                return parse_record_key(atcr.tag_rkey(path, tag, self._there)) if known in (None, rkey) else None
        except InvalidRecord:
            pass  # what somebody wrote by XRPC need not make sense: it moves as it is
        return None

    def _free(self, rkey: str) -> str:
        distinction = hashlib.sha256(f"{self._row.path} {rkey}".encode()).hexdigest()
        for key in (rkey, f"{rkey[:500]}~{distinction[:8]}", f"{rkey[:440]}~{distinction}"):
            if self._there(key) is None:
                return key
        raise Conflict(f"every key for the record {self._collection}/{rkey} is taken", remedy="delete it first")

    def _from(self, rkey: str) -> Mapping[str, Any] | None:
        return self._source.get(self._connection, self._row.account_id, self._collection, rkey)

    def _there(self, rkey: str) -> Mapping[str, Any] | None:
        if rkey in self._put:
            return self._put[rkey].record
        return self._target.get(self._connection, self._row.account_id, self._collection, rkey)


def _pointed(value: Mapping[str, Any], renamed: Mapping[str, str]) -> Mapping[str, Any]:
    """The record, naming its manifest by the key that it has now."""
    uri = value.get("manifest")
    if not isinstance(uri, str):
        return value
    base, slash, rkey = uri.rpartition("/")
    return {**value, "manifest": base + slash + renamed[rkey]} if rkey in renamed else value
