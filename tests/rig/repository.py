"""A repository in memory that stores what `plan_commit` decides, as the PDS does in SQL."""

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, decode_map
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.mst import Tree
from roadstead.core.atproto.multikey import did_key, signer
from roadstead.core.atproto.nsid import parse_nsid
from roadstead.core.atproto.recordkey import parse_record_key
from roadstead.core.atproto.repository import CommitResult, Head, plan_commit
from roadstead.core.atproto.snapshot import write_snapshot
from roadstead.core.atproto.tid import Tid
from roadstead.core.atproto.writes import Action, Write


class MemoryRepository:
    """One account's repository, with a key of its own and a clock that moves a microsecond a commit."""

    def __init__(self, did: str = "did:web:alice.localhost%3A5000") -> None:
        self.did = Did.parse(did)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.blocks: dict[Cid, bytes] = {}
        self.head: Head | None = None
        self.rev: Tid | None = None

    @property
    def did_key(self) -> str:
        return did_key(self.key.public_key())

    @property
    def tree(self) -> Tree:
        assert self.head
        return Tree(self.head.data, self.blocks.__getitem__)

    def plan(self, writes: Sequence[Write], *, swap_commit: Cid | None = None) -> CommitResult:
        self.rev = Tid.after(self.rev, 1_700_000_000_000_000, 7)
        return plan_commit(
            self.did,
            self.head,
            writes,
            self.blocks.__getitem__,
            rev=self.rev,
            sign=signer(self.key),
            swap_commit=swap_commit,
        )

    def commit(self, *writes: Write) -> CommitResult:
        result = self.plan(writes)
        self.blocks.update(result.new_blocks)
        for cid in result.removed_nodes:
            del self.blocks[cid]
        self.head = result.head
        kept = {cid for _, cid in self.tree.leaves()}
        for cid in result.removed_records - kept:
            del self.blocks[cid]
        return result

    def records(self) -> dict[str, dict[str, Value]]:
        return {path: decode_map(self.blocks[cid]) for path, cid in self.tree.leaves()}

    def car(self) -> bytes:
        assert self.head
        return b"".join(write_snapshot(self.head.cid, self.blocks.__getitem__))


def write(action: Action, path: str, fields: Mapping[str, Value] | None = None) -> Write:
    """A write to `COLLECTION/RKEY`, whose record gets its `$type`."""
    collection, rkey = path.split("/")
    record = None if fields is None else {"$type": collection, **fields}
    return Write(action, parse_nsid(collection), parse_record_key(rkey), record)


def put(path: str, **fields: Value) -> Write:
    return write(Action.PUT, path, fields)


def delete(path: str) -> Write:
    return write(Action.DELETE, path)
