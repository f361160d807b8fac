"""Which blobs an account's PDS has, and which records need them (AT Protocol blob specification).

Owns the rows of `pds_blobs` and `pds_blob_references`. A blob without a record is kept for a while, so that a record
can follow its upload, and is given to nobody. The bytes lie elsewhere: see `roadstead.index.tables.pds_blobs`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.index.dialects import Put, exists
from roadstead.index.tables import pds_blob_references, pds_blobs
from roadstead.index.tables import pds_records as _records

_references: Final = pds_blob_references.c

# What is uploaded again waits for its record anew: a garbage collection must not come in between.
_keep: Final = Put(pds_blobs, ["account_id", "cid"], fresh=["created_at_ms"])
_refer: Final = Put(pds_blob_references, ["account_id", "collection", "rkey", "cid"])
_RELEASE: Final = (
    pds_blob_references.delete()
    .where(
        _references.account_id == sa.bindparam("account"),
        sa.tuple_(_references.collection, _references.rkey).in_(sa.bindparam("paths", expanding=True)),
    )
    .returning(_references.cid)
)
_is_needed: Final = exists(
    _references.account_id == pds_blobs.c.account_id, _references.cid == pds_blobs.c.cid
).correlate(pds_blobs)
_DROP: Final = pds_blobs.delete().where(
    pds_blobs.c.account_id == sa.bindparam("account"), pds_blobs.c.cid == sa.bindparam("blob"), ~_is_needed
)
_FIND: Final = sa.select(pds_blobs.c.cid, pds_blobs.c.sha256, pds_blobs.c.mime_type, pds_blobs.c.size_bytes).where(
    pds_blobs.c.account_id == sa.bindparam("account")
)
_SERVED: Final = _FIND.where(pds_blobs.c.cid == sa.bindparam("blob"), _is_needed)


def keep(connection: Connection, account_id: int, blobs: Iterable[BlobRef], now_ms: int) -> None:
    """Notes that the account has these blobs, whose bytes are stored already."""
    rows = [
        {
            "account_id": account_id,
            "cid": blob.cid.raw,
            "sha256": blob.cid.digest.hex,
            "mime_type": blob.mime_type,
            "size_bytes": blob.size_bytes,
            "created_at_ms": now_ms,
        }
        for blob in blobs
    ]
    if rows:
        _keep(connection, rows)


def missing(connection: Connection, account_id: int, cids: Collection[Cid]) -> list[Cid]:
    """Those of `cids` that the account does not have."""
    if not cids:
        return []
    query = sa.select(pds_blobs.c.cid).where(
        pds_blobs.c.account_id == account_id, pds_blobs.c.cid.in_([cid.raw for cid in cids])
    )
    there = {bytes(raw) for raw in connection.execute(query).scalars()}
    return [cid for cid in cids if cid.raw not in there]


def refer(connection: Connection, account_id: int, needs: Iterable[tuple[str, str, Cid]]) -> None:
    """Notes which records need which blobs: (collection, rkey, blob)."""
    rows = [
        {"account_id": account_id, "collection": collection, "rkey": rkey, "cid": cid.raw}
        for collection, rkey, cid in needs
    ]
    if rows:
        _refer(connection, rows)


def release(connection: Connection, account_id: int, paths: Sequence[tuple[str, str]]) -> list[bytes]:
    """Forgets what the records at (collection, rkey) needed; gives the blobs' CIDs, as bytes."""
    return list(connection.execute(_RELEASE, {"account": account_id, "paths": paths}).scalars())


def drop_unneeded(connection: Connection, account_id: int, cids: Iterable[bytes]) -> None:
    """Takes those of `cids` away that no record needs any more."""
    rows = [{"account": account_id, "blob": cid} for cid in cids]
    if rows:
        connection.execute(_DROP, rows)


def served(connection: Connection, account_id: int, cid: Cid) -> BlobRef | None:
    """The blob, if a record needs it: no other is given to anybody."""
    row = connection.execute(_SERVED, {"account": account_id, "blob": cid.raw}).first()
    return BlobRef(cid, row.mime_type, row.size_bytes) if row else None


def page(connection: Connection, account_id: int, since: str | None, after: bytes, limit: int) -> list[Cid]:
    """The blobs that records need, in the order of their CIDs' bytes, that come behind the CID `after`.

    Args:
        since: only blobs of records that changed after this revision.
    """
    query = sa.select(_references.cid).distinct().where(_references.account_id == account_id, _references.cid > after)
    if since is not None:
        query = query.join(
            _records,
            (_records.c.account_id == _references.account_id)
            & (_records.c.collection == _references.collection)
            & (_records.c.rkey == _references.rkey),
        ).where(_records.c.rev > since)
    return [Cid(bytes(raw)) for raw in connection.execute(query.order_by(_references.cid).limit(limit)).scalars()]
