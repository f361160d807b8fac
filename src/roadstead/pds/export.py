"""Repositories as CAR files (AT Protocol repository specification, section CAR File Serialization).

An export is one snapshot: it is written within one transaction, to memory while it is small and to a file beyond that,
and sent from there, so that neither a slow reader nor a large repository holds anything else up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.car import car_bytes, write_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst import Tree
from roadstead.index.tables import pds_nodes, pds_records
from roadstead.pds import records, repositories

BATCH: Final = 500
"""Rows in memory at a time."""


def write(connection: Connection, account_id: int, since: str | None, file: IO[bytes]) -> None:
    """Writes the whole repository to `file`: commit, tree, records.

    Args:
        since: leave out records that have not changed after this revision; the tree is whole all the same.

    Raises:
        UnknownRecord: there is no such repository.
    """
    there = repositories.hosted(connection, account_id)
    for piece in write_car(
        there.head.cid, _blocks(connection, account_id, since, (there.head.cid, there.commit_block))
    ):
        file.write(piece)


def proof(connection: Connection, account_id: int, collection: str, rkey: str) -> bytes:
    """A CAR file that proves what the record is, or that there is none: commit, tree nodes on the way, record.

    Raises:
        UnknownRecord: there is no such repository.
    """
    there = repositories.hosted(connection, account_id)
    tree = Tree(there.head.data, repositories.node_getter(connection, account_id))
    blocks = {there.head.cid: there.commit_block, **tree.proof(f"{collection}/{rkey}")}
    record = records.get(connection, account_id, collection, rkey)
    if record is not None:
        blocks[record.cid] = record.block
    return car_bytes(there.head.cid, blocks)


def _blocks(
    connection: Connection, account_id: int, since: str | None, commit: tuple[Cid, bytes]
) -> Iterator[tuple[Cid, bytes]]:
    yield commit
    streamed = connection.execution_options(yield_per=BATCH)
    nodes = sa.select(pds_nodes.c.cid, pds_nodes.c.block).where(pds_nodes.c.account_id == account_id)
    for row in streamed.execute(nodes):
        yield Cid(bytes(row.cid)), bytes(row.block)
    found = sa.select(pds_records.c.cid, pds_records.c.value).where(pds_records.c.account_id == account_id)
    if since is not None:
        found = found.where(pds_records.c.rev > since)
    for row in streamed.execute(found):
        yield Cid(bytes(row.cid)), bytes(row.value)
