"""Reading repositories: records, pages of them, and the blocks of exports and proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import decode_map
from roadstead.index.dialects import in_byte_order
from roadstead.index.tables import pds_nodes, pds_records

BATCH: Final = 500
"""Rows fetched at once while a collection is walked."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it is stored; `block` is its DAG-CBOR."""

    collection: str
    rkey: str
    cid: Cid
    block: bytes

    def value(self) -> dict[str, Any]:
        """The record.

        Raises:
            CorruptContent: what is stored is no record.
        """
        return dict(decode_map(self.block))


_COLUMNS: Final = sa.select(pds_records.c.collection, pds_records.c.rkey, pds_records.c.cid, pds_records.c.value)
_GET: Final = _COLUMNS.where(
    pds_records.c.account_id == sa.bindparam("account"),
    pds_records.c.collection == sa.bindparam("collection"),
    pds_records.c.rkey == sa.bindparam("rkey"),
)


def get(connection: Connection, account_id: int, collection: str, rkey: str) -> StoredRecord | None:
    """One record, if it is there."""
    row = connection.execute(_GET, {"account": account_id, "collection": collection, "rkey": rkey}).first()
    return _stored(row) if row else None


def page(
    connection: Connection,
    account_id: int,
    collection: str,
    *,
    limit: int,
    after: str | None = None,
    descending: bool = False,
) -> list[StoredRecord]:
    """Records of a collection in the order of their keys.

    Args:
        after: only records whose keys come behind this one in the order that was asked for.
    """
    rkey = in_byte_order(connection, pds_records.c.rkey)
    query = _COLUMNS.where(pds_records.c.account_id == account_id, pds_records.c.collection == collection)
    if after is not None:
        query = query.where(rkey < after if descending else rkey > after)
    rows = connection.execute(query.order_by(rkey.desc() if descending else rkey).limit(limit))
    return [_stored(row) for row in rows]


def every(connection: Connection, account_id: int, collection: str) -> Iterator[StoredRecord]:
    """All records of a collection in the order of their keys, a batch in memory at a time."""
    after: str | None = None
    while records := page(connection, account_id, collection, limit=BATCH, after=after):
        yield from records
        after = records[-1].rkey


def collections(connection: Connection, account_id: int) -> Sequence[str]:
    """The collections that the repository has records in, sorted."""
    query = sa.select(pds_records.c.collection).distinct().where(pds_records.c.account_id == account_id)
    return sorted(connection.execute(query).scalars())


def nodes(connection: Connection, account_id: int) -> dict[Cid, bytes]:
    """All tree nodes of the head: some 250 bytes a record."""
    query = sa.select(pds_nodes.c.cid, pds_nodes.c.block).where(pds_nodes.c.account_id == account_id)
    return {Cid(bytes(row.cid)): bytes(row.block) for row in connection.execute(query)}


def blocks_of(
    connection: Connection, account_id: int, keys: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], bytes]:
    """The blocks of the records at (collection, rkey)."""
    pair = sa.tuple_(pds_records.c.collection, pds_records.c.rkey)
    query = _COLUMNS.where(pds_records.c.account_id == account_id, pair.in_(keys))
    return {(row.collection, row.rkey): bytes(row.value) for row in connection.execute(query)}


def _stored(row: sa.Row[str, str, bytes, bytes]) -> StoredRecord:
    return StoredRecord(row.collection, row.rkey, Cid(bytes(row.cid)), bytes(row.value))
