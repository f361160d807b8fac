"""Changes to a repository: writes in, one signed commit out (AT Protocol repository specification).

Owns the decision what a commit holds and what it makes superfluous. Storing it, atomically and against the same head,
is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from roadstead.core.atproto.car import car_size_bytes
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.datamodel import blob_refs
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.mst import EMPTY_BLOCK, EMPTY_ROOT, BlockGetter, Change, NodeCache, Tree
from roadstead.core.atproto.multikey import Sign
from roadstead.core.atproto.tid import Tid
from roadstead.core.atproto.writes import ANYTHING, Action, Write, blocks_of
from roadstead.core.errors import Conflict, InvalidRecord, UnknownRecord

MAX_COMMIT_BYTES: Final = 2_000_000
"""The largest CAR file of a commit with its blocks that the firehose carries (AT Protocol sync specification)."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a repository stands: its last commit's CID, tree and revision."""

    cid: Cid
    data: Cid
    rev: Tid


@dataclass(frozen=True, slots=True)
class RecordOp:
    """What a commit did to one record: `CREATE`, `UPDATE` or `DELETE`, the CID it has now, and the one it had."""

    action: Action
    path: str
    cid: Cid | None
    prev: Cid | None


@dataclass(frozen=True, slots=True)
class CommitResult:
    """A planned commit; nothing has been stored.

    Args:
        did: whose repository it is.
        head: after it. The same as `previous` where the writes change nothing: then there is no commit.
        previous: before it; `None` for a repository's first commit.
        cids: for each write, the CID that its record has then; `None` where it is gone.
        ops: what it does, a record each; a write of what is there already is none.
        new_blocks: what to store: the commit, tree nodes, records.
        removed_nodes: blocks of the commit and tree before that nothing names any more.
        removed_records: records' blocks that lost a path; another path may still name one of the same content.
        diff: what the firehose sends: `new_blocks`, and the tree nodes with which the change can be undone.
        blobs: the blobs that the written records name.
    """

    did: Did
    head: Head
    previous: Head | None
    cids: tuple[Cid | None, ...]
    ops: tuple[RecordOp, ...] = ()
    new_blocks: Mapping[Cid, bytes] = field(default_factory=dict)
    removed_nodes: frozenset[Cid] = frozenset()
    removed_records: frozenset[Cid] = frozenset()
    diff: Mapping[Cid, bytes] = field(default_factory=dict)
    blobs: tuple[Cid, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is a commit to store."""
        return self.head != self.previous


def plan_commit(
    did: Did,
    head: Head | None,
    writes: Sequence[Write],
    get: BlockGetter,
    *,
    rev: Tid,
    sign: Sign,
    swap_commit: Cid | None = None,
    resign: bool = False,
    cache: NodeCache | None = None,
) -> CommitResult:
    """The commit that `writes`, all or none, make of the repository at `head`.

    Args:
        head: `None` makes the first commit of a repository, with or without records.
        get: gives the blocks of the tree before.
        rev: the new revision, see `Tid.after`.
        swap_commit: the commit that has to be the head.
        resign: commit even where nothing changes: the account has a new key or DID.
        cache: decoded tree nodes, see `Tree`.

    Raises:
        Conflict: the head or a record is not the expected one, or a record to create exists.
        UnknownRecord: a record to update or delete does not exist.
        InvalidRecord: a write is malformed, two are to one record, or they are too many or too large.
        CorruptContent: the tree before is damaged.
    """
    _check_head(head, rev, swap_commit)
    blocks = blocks_of(writes)
    before = Tree(EMPTY_ROOT, _NOTHING.__getitem__) if head is None else Tree(head.data, get)
    before = before if cache is None else replace(before, cache=cache)
    wanted = [_operation(write, blocks[write.path], before) for write in writes]
    cids = tuple(op.cid for op in wanted)
    ops = tuple(op for op in wanted if op.cid != op.prev)
    if head is not None and not ops and not resign:
        return CommitResult(did, head, head, cids)

    change = before.apply({op.path: op.cid for op in ops})
    commit = Commit.signed(did, change.root, rev, sign).encode()
    after = Head(Cid.of_record(commit), change.root, rev)
    records = {op.cid: block for op in ops if op.cid is not None and (block := blocks[op.path]) is not None}
    nodes = _NOTHING if change.root == EMPTY_ROOT and head is None else change.new_blocks
    new_blocks = {after.cid: commit, **nodes, **records}
    return CommitResult(
        did=did,
        head=after,
        previous=head,
        cids=cids,
        ops=ops,
        new_blocks=new_blocks,
        removed_nodes=change.removed | {head.cid} if head else frozenset(),
        removed_records=frozenset(op.prev for op in ops if op.prev is not None) - records.keys(),
        diff=_sendable(after.cid, _provable(new_blocks, ops, before, change)),
        blobs=tuple(dict.fromkeys(ref.cid for write in writes for ref in blob_refs(write.record))),
    )


_NOTHING: Final = {EMPTY_ROOT: EMPTY_BLOCK}
"""The tree of a repository that does not exist yet."""


def _check_head(head: Head | None, rev: Tid, swap_commit: Cid | None) -> None:
    if swap_commit is not None and (head is None or head.cid != swap_commit):
        raise Conflict(f"the repository is not at {swap_commit}", remedy="read it again and repeat the write")
    if head is not None and rev <= head.rev:
        raise Conflict(f"the revision {rev} does not come after {head.rev}", remedy="repeat the write")


def _operation(write: Write, block: bytes | None, before: Tree) -> RecordOp:
    """What `write` does to the tree, once it is allowed. Nothing, where `cid` and `prev` are the same."""
    prev = before.find(write.path)
    if write.swap_record is not ANYTHING and write.swap_record != prev:
        raise Conflict(f"the record at {write.path} is {prev or 'absent'}, not {write.swap_record or 'absent'}")
    if prev is None and write.action in (Action.UPDATE, Action.DELETE):
        raise UnknownRecord(f"there is no record at {write.path}")
    if prev is not None and write.action is Action.CREATE:
        raise Conflict(f"there is a record at {write.path} already", remedy="update it, or choose another key")
    if block is None:
        return RecordOp(Action.DELETE, write.path, None, prev)
    return RecordOp(Action.CREATE if prev is None else Action.UPDATE, write.path, Cid.of_record(block), prev)


def _provable(
    new_blocks: Mapping[Cid, bytes], ops: Sequence[RecordOp], before: Tree, change: Change
) -> dict[Cid, bytes]:
    """`new_blocks`, and the nodes of the tree before that whoever wants to undo `ops` has to see."""

    def get(cid: Cid) -> bytes:
        block = change.new_blocks.get(cid)
        return before.get(cid) if block is None else block

    after = Tree(change.root, get, before.cache)
    blocks = dict(new_blocks)
    for op in ops:
        blocks.update(after.covering_proof(op.path))
    return blocks


def _sendable(commit: Cid, blocks: Mapping[Cid, bytes]) -> Mapping[Cid, bytes]:
    if car_size_bytes(commit, blocks) > MAX_COMMIT_BYTES:
        raise InvalidRecord(f"a commit of more than {MAX_COMMIT_BYTES} bytes is too large; write less at once")
    return blocks
