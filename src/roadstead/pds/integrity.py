"""Whether the repository of an account is whole: its commit, its tree, its records, and the blobs that they name."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.mst import Tree, check
from roadstead.core.errors import RoadsteadError
from roadstead.index.dialects import exists
from roadstead.index.tables import blobs, manifest_contents, pds_blob_references, pds_blobs, pds_records
from roadstead.pds import records
from roadstead.pds.memory import private_key
from roadstead.pds.repositories import Hosted, hosted

MANY = 20
"""As many sentences are given at most; the first ones say what kind of damage it is."""


def faults(connection: Connection, account_id: int) -> list[str]:
    """What is wrong, in sentences; nothing where every hash and signature holds. Loads the whole tree."""
    try:
        there = hosted(connection, account_id)
        _check_commit(there)
        paths = check(Tree(there.head.data, records.nodes(connection, account_id).__getitem__))
    except (RoadsteadError, KeyError) as error:
        return [f"its repository is damaged: {error}"]
    found = _wrong_records(connection, account_id, paths)
    found += _missing_blobs(connection, account_id)
    return found[:MANY]


def _check_commit(there: Hosted) -> None:
    if not there.head.cid.matches(there.commit_block):
        raise RoadsteadError("the commit does not have its hash")
    commit = Commit.decode(there.commit_block)
    if (commit.did, commit.data, commit.rev) != (there.did, there.head.data, there.head.rev):
        raise RoadsteadError("the commit is not that of the account's head")
    commit.verify(private_key(there.private_key_pem).public_key())


def _wrong_records(connection: Connection, account_id: int, paths: dict[str, Cid]) -> list[str]:
    found: list[str] = []
    left = dict(paths)
    query = sa.select(pds_records.c.collection, pds_records.c.rkey, pds_records.c.cid, pds_records.c.value)
    rows = connection.execution_options(yield_per=records.BATCH).execute(
        query.where(pds_records.c.account_id == account_id)
    )
    for row in rows:
        path = f"{row.collection}/{row.rkey}"
        expected = left.pop(path, None)
        if expected is None:
            found.append(f"the record {path} is not in the tree")
        elif expected.raw != bytes(row.cid) or not expected.matches(bytes(row.value)):
            found.append(f"the record {path} does not have its hash")
    return found + [f"the record {path} is missing" for path in left]


def _missing_blobs(connection: Connection, account_id: int) -> list[str]:
    """Blobs that records name and that are stored nowhere."""
    kept = exists(manifest_contents.c.sha256 == pds_blobs.c.sha256)
    in_store = exists(blobs.c.digest == "sha256:" + pds_blobs.c.sha256, blobs.c.quarantined_at_ms.is_(None))
    query = (
        sa.select(pds_blob_references.c.collection, pds_blob_references.c.rkey, pds_blob_references.c.cid)
        .outerjoin(
            pds_blobs,
            (pds_blobs.c.account_id == pds_blob_references.c.account_id)
            & (pds_blobs.c.cid == pds_blob_references.c.cid),
        )
        .where(pds_blob_references.c.account_id == account_id)
        .where(sa.or_(pds_blobs.c.cid.is_(None), ~sa.or_(kept, in_store)))
        .limit(MANY)
    )
    return [
        f"the blob {Cid(bytes(row.cid))} of the record {row.collection}/{row.rkey} is missing"
        for row in connection.execute(query)
    ]
