"""Repositories in SQL: founded, written by one signed commit at a time, dissolved.

Plain functions of a `Connection`, to be called in a write. What a commit holds is planned in
`roadstead.core.atproto.repository`; here it is checked against the head, stored with records, tree nodes and blobs, and
announced: all in the transaction of the caller, so that nobody sees a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef, blob_refs
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.firehose import account_event, commit_event, identity_event
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.mst import EMPTY_BLOCK, EMPTY_ROOT, BlockGetter
from roadstead.core.atproto.repository import CommitResult, Head, plan_commit
from roadstead.core.atproto.tid import Tid
from roadstead.core.atproto.writes import Write
from roadstead.core.errors import CorruptContent, InvalidRecord, UnknownRecord
from roadstead.index.dialects import Put
from roadstead.index.tables import accounts, pds_nodes, pds_records, pds_repositories
from roadstead.index.turn import take_turn
from roadstead.pds import blobs, events
from roadstead.pds.memory import Memory, new_private_key_pem

_HEAD: Final = (
    sa.select(
        accounts.c.did,
        accounts.c.handle,
        pds_repositories.c.private_key_pem,
        pds_repositories.c.commit_cid,
        pds_repositories.c.commit_block,
        pds_repositories.c.data_cid,
        pds_repositories.c.rev,
    )
    .join_from(pds_repositories, accounts)
    .where(pds_repositories.c.account_id == sa.bindparam("account"))
)
_NODE: Final = sa.select(pds_nodes.c.block).where(
    pds_nodes.c.account_id == sa.bindparam("account"), pds_nodes.c.cid == sa.bindparam("node")
)
_MOVE_HEAD: Final = (
    pds_repositories.update()
    .where(
        pds_repositories.c.account_id == sa.bindparam("account"), pds_repositories.c.commit_cid == sa.bindparam("known")
    )
    .values({name: sa.bindparam(f"new_{name}") for name in ("commit_cid", "commit_block", "data_cid", "rev")})
)
_DROP_NODE: Final = pds_nodes.delete().where(
    pds_nodes.c.account_id == sa.bindparam("account"), pds_nodes.c.cid == sa.bindparam("node")
)
_put_nodes: Final = Put(pds_nodes, ["account_id", "cid"])
_put_records: Final = Put(pds_records, ["account_id", "collection", "rkey"], fresh=["cid", "value", "rev"])
_DROP_RECORD: Final = pds_records.delete().where(
    pds_records.c.account_id == sa.bindparam("account"),
    pds_records.c.collection == sa.bindparam("in_collection"),
    pds_records.c.rkey == sa.bindparam("key"),
)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A repository of this server, as it stands."""

    account_id: int
    did: Did
    handle: str
    private_key_pem: str
    head: Head
    commit_block: bytes


def hosted(connection: Connection, account_id: int) -> Hosted:
    """The repository of an account.

    Raises:
        UnknownRecord: the account has none, or is gone.
    """
    row = connection.execute(_HEAD, {"account": account_id}).first()
    if row is None:
        raise UnknownRecord(f"there is no repository of account {account_id}")
    head = Head(Cid(bytes(row.commit_cid)), Cid(bytes(row.data_cid)), Tid(row.rev))
    return Hosted(account_id, Did(row.did), row.handle, row.private_key_pem, head, bytes(row.commit_block))


def node_getter(connection: Connection, account_id: int) -> BlockGetter:
    """Gives the tree nodes of a repository's head by their CIDs."""

    def get(cid: Cid) -> bytes:
        block: bytes | None = connection.execute(_NODE, {"account": account_id, "node": cid.raw}).scalar()
        if block is None:
            raise KeyError(cid)
        return bytes(block)

    return get


def found(connection: Connection, account_id: int, did: str, handle: str, *, now_ms: int, memory: Memory) -> None:
    """Makes the repository of an account that was made in the same transaction, and tells everybody.

    Raises:
        InvalidName: a malformed DID or handle.
    """
    take_turn(connection)
    pem = new_private_key_pem()
    identity = Did.parse(did)
    rev = Tid.after(None, now_ms * 1000, memory.clock_id)
    result = plan_commit(identity, None, (), {EMPTY_ROOT: EMPTY_BLOCK}.__getitem__, rev=rev, sign=memory.signer(pem))
    connection.execute(
        sa.insert(pds_repositories),
        {
            "account_id": account_id,
            "private_key_pem": pem,
            "commit_cid": result.head.cid.raw,
            "commit_block": result.new_blocks[result.head.cid],
            "data_cid": result.head.data.raw,
            "rev": str(rev),
        },
    )
    _store_nodes(connection, account_id, result)
    time = events.moment(now_ms)
    for event in (
        identity_event(identity, Handle.parse(handle), time),
        account_event(identity, time),
        commit_event(result, time),
    ):
        events.append(connection, account_id, event, now_ms)


def dissolve(connection: Connection, account_id: int, did: str, *, now_ms: int) -> None:
    """Says goodbye for an account, whose rows the caller deletes; its other events go with it."""
    take_turn(connection)
    farewell = account_event(Did.parse(did), events.moment(now_ms), status="deleted")
    events.append(connection, None, farewell, now_ms)


def commit(
    connection: Connection,
    account_id: int,
    writes: Sequence[Write],
    *,
    now_ms: int,
    memory: Memory,
    swap_commit: Cid | None = None,
    announced: bool = True,
    resign: bool = False,
    trusted: bool = False,
) -> CommitResult:
    """Makes all of `writes`, or none, by one signed commit. Where they change nothing, there is none.

    Args:
        trusted: the blobs that the records name are stored, and become the account's; otherwise they have to be its
            own already.
        swap_commit: the commit that has to be the head.
        announced: whether subscribers are told; who says no tells them otherwise.
        resign: commit even where nothing changes.

    Raises:
        Conflict: the head or a record is not the expected one, or a record to create exists.
        UnknownRecord: no such repository, or a record to update or delete does not exist.
        InvalidRecord: a write is malformed, names a blob that is not there, or they are too many or too large.
        CorruptContent: what is stored of the tree is damaged.
    """
    take_turn(connection)
    there = hosted(connection, account_id)

    result = plan_commit(
        there.did,
        there.head,
        writes,
        node_getter(connection, account_id),
        rev=Tid.after(there.head.rev, now_ms * 1000, memory.clock_id),
        sign=memory.signer(there.private_key_pem),
        swap_commit=swap_commit,
        resign=resign,
        cache=memory.nodes,
    )
    if result.changed:
        named = _named(result, writes)
        if trusted:
            blobs.keep(connection, account_id, (blob for _, blob in named), now_ms)
        elif missing := blobs.missing(connection, account_id, result.blobs):
            raise InvalidRecord(f"the blob {missing[0]} is not there", remedy="upload it first")
        _store(connection, account_id, result, named)
        if announced:
            events.append(connection, account_id, commit_event(result, events.moment(now_ms)), now_ms)
    return result


def _named(result: CommitResult, writes: Sequence[Write]) -> list[tuple[Write, BlobRef]]:
    """The blobs that the records that change name."""
    if not result.blobs:
        return []
    changed = {op.path for op in result.ops}
    return [(write, ref) for write in writes if write.path in changed for ref in blob_refs(write.record)]


def _store(
    connection: Connection, account_id: int, result: CommitResult, named: Sequence[tuple[Write, BlobRef]]
) -> None:
    previous = result.previous
    if previous is None:
        raise LookupError("a repository is founded before it is written")
    head = {
        "account": account_id,
        "known": previous.cid.raw,
        "new_commit_cid": result.head.cid.raw,
        "new_commit_block": result.new_blocks[result.head.cid],
        "new_data_cid": result.head.data.raw,
        "new_rev": str(result.head.rev),
    }
    if connection.execute(_MOVE_HEAD, head).rowcount != 1:
        # Not even reached as long as commits take turns; the signature chain must not fork if that ever fails.
        raise CorruptContent("two commits were made of one head")
    _store_nodes(connection, account_id, result)
    _store_records(connection, account_id, result)
    replaced = [_split(op.path) for op in result.ops if op.prev is not None]
    released = blobs.release(connection, account_id, replaced) if replaced else []
    blobs.refer(connection, account_id, ((write.collection, write.rkey, blob.cid) for write, blob in named))
    blobs.drop_unneeded(connection, account_id, released)


def _store_nodes(connection: Connection, account_id: int, result: CommitResult) -> None:
    records = {op.cid for op in result.ops}
    old = [
        {"account": account_id, "node": cid.raw}
        for cid in result.removed_nodes
        if result.previous is None or cid != result.previous.cid
    ]
    new = [
        {"account_id": account_id, "cid": cid.raw, "block": block}
        for cid, block in result.new_blocks.items()
        if cid != result.head.cid and cid not in records
    ]
    if old:
        connection.execute(_DROP_NODE, old)
    if new:
        _put_nodes(connection, new)


def _store_records(connection: Connection, account_id: int, result: CommitResult) -> None:
    gone, put = [], []
    for op in result.ops:
        collection, _, rkey = op.path.partition("/")
        if op.cid is None:
            gone.append({"account": account_id, "in_collection": collection, "key": rkey})
        else:
            put.append(
                {
                    "account_id": account_id,
                    "collection": collection,
                    "rkey": rkey,
                    "cid": op.cid.raw,
                    "value": result.new_blocks[op.cid],
                    "rev": str(result.head.rev),
                }
            )
    if gone:
        connection.execute(_DROP_RECORD, gone)
    if put:
        _put_records(connection, put)


def _split(path: str) -> tuple[str, str]:
    collection, _, rkey = path.partition("/")
    return collection, rkey
