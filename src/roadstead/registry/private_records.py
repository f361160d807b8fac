"""The records of private repositories: the same fields as in a PDS, in this server's database alone.

A second `RecordStore`. Nothing of it is signed, announced or exported. The blobs that they name are in no PDS either,
but are noted, so that garbage collection leaves them their bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import decode_map
from roadstead.core.atproto.datamodel import blob_refs
from roadstead.core.atproto.writes import Write, blocks_of
from roadstead.index.database import Database
from roadstead.index.dialects import Put, in_byte_order
from roadstead.index.tables import private_blob_references, private_records
from roadstead.index.turn import take_turn
from roadstead.registry.ports import Change

BATCH: Final = 500
"""Rows fetched at once while a collection is walked."""

_GET: Final = sa.select(private_records.c.value).where(
    private_records.c.account_id == sa.bindparam("account"),
    private_records.c.collection == sa.bindparam("collection"),
    private_records.c.rkey == sa.bindparam("rkey"),
)
_RELEASE: Final = private_blob_references.delete().where(
    private_blob_references.c.account_id == sa.bindparam("account"),
    private_blob_references.c.collection == sa.bindparam("in_collection"),
    private_blob_references.c.rkey == sa.bindparam("key"),
)
_put_record: Final = Put(private_records, ["account_id", "collection", "rkey"], fresh=["cid", "value"])
_put_references: Final = Put(private_blob_references, ["account_id", "collection", "rkey", "sha256"])


class PrivateRecordStore:
    """Records in this server's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def commit(self, change: Change) -> None:
        """Makes the change durable, wholly or not at all.

        Raises:
            InvalidRecord: a write breaks the rules of a repository.
            Unavailable: the database does not answer.
        """

        def work(connection: Connection) -> None:
            take_turn(connection)
            self.apply(connection, change.account_id, change.prepare(connection))
            change.index(connection)

        await self._database.write(work)

    def apply(self, connection: Connection, account_id: int, writes: Sequence[Write]) -> None:
        """Makes `writes`, all or none, within a transaction of the caller.

        Raises:
            InvalidRecord: a write breaks the rules of a repository: what is private may be published one day.
        """
        for write, block in zip(writes, blocks_of(writes).values(), strict=True):
            if block is None:
                _delete(connection, account_id, write)
            else:
                _put(connection, account_id, write, block)

    def records(
        self, connection: Connection, account_id: int, collection: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The records of a collection as (rkey, value), in the order of their keys."""
        rkey = in_byte_order(connection, private_records.c.rkey)
        query = sa.select(private_records.c.rkey, private_records.c.value).where(
            private_records.c.account_id == account_id, private_records.c.collection == collection
        )
        after = ""
        while rows := connection.execute(query.where(rkey > after).order_by(rkey).limit(BATCH)).all():
            for row in rows:
                yield row.rkey, decode_map(bytes(row.value))
            after = rows[-1].rkey

    def get(self, connection: Connection, account_id: int, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """One record, if it is there."""
        key = {"account": account_id, "collection": collection, "rkey": rkey}
        block: bytes | None = connection.execute(_GET, key).scalar()
        return None if block is None else decode_map(bytes(block))


def _put(connection: Connection, account_id: int, write: Write, block: bytes) -> None:
    key = {"account_id": account_id, "collection": write.collection, "rkey": write.rkey}
    _put_record(connection, {**key, "cid": Cid.of_record(block).raw, "value": block})
    connection.execute(_RELEASE, {"account": account_id, "in_collection": write.collection, "key": write.rkey})
    named = {ref.cid.digest.hex for ref in blob_refs(write.record)}
    if named:
        _put_references(connection, [{**key, "sha256": sha256} for sha256 in sorted(named)])


def _delete(connection: Connection, account_id: int, write: Write) -> None:
    connection.execute(
        private_records.delete().where(
            private_records.c.account_id == account_id,
            private_records.c.collection == write.collection,
            private_records.c.rkey == write.rkey,
        )
    )
