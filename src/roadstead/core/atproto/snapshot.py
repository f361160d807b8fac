"""A whole repository as a CAR file: written from its blocks, and proved when it comes from elsewhere.

Specification: AT Protocol repository, section CAR File Serialization.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from roadstead.core.atproto.car import write_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.mst import BlockGetter, Tree, check
from roadstead.core.atproto.multikey import PublicKey
from roadstead.core.errors import CorruptContent


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit, all of it verified.

    Args:
        records: the CID of every record's block, by path.
    """

    cid: Cid
    commit: Commit
    records: Mapping[str, Cid]


def write_snapshot(commit: Cid, get: BlockGetter) -> Iterator[bytes]:
    """The CAR file of the repository at `commit`, a piece per block: the commit, the tree's nodes, the records.

    Raises:
        CorruptContent: a block is missing or damaged.
    """
    return write_car(commit, _blocks(commit, get))


def verify_snapshot(roots: tuple[Cid, ...], blocks: Mapping[Cid, bytes], did: Did, key: PublicKey) -> Snapshot:
    """What a CAR file that was read holds, once all of it is proved.

    Args:
        roots, blocks: of the file; each block has been checked against its CID.
        did: whose repository it has to be.
        key: the signing key in that account's DID document.

    Raises:
        CorruptContent: a block is missing, the tree is not what its records make, or the commit is not the account's.
    """
    if len(roots) != 1 or roots[0] not in blocks:
        raise CorruptContent("a repository's CAR file has to hold its one root: the commit")
    commit = Commit.decode(blocks[roots[0]])
    if commit.did != did:
        raise CorruptContent(f"the repository is that of {commit.did}; expected {did}")
    commit.verify(key)
    records = check(Tree(commit.data, blocks.__getitem__))
    for path, cid in records.items():
        if cid not in blocks:
            raise CorruptContent(f"the record at {path} is missing")
    return Snapshot(roots[0], commit, records)


def _blocks(commit: Cid, get: BlockGetter) -> Iterator[tuple[Cid, bytes]]:
    block = _block(commit, get)
    yield commit, block
    tree = Tree(Commit.decode(block).data, get)
    yield from tree.nodes()
    # Records of one content are one block; remembering which were written would need memory for all of them.
    for _, cid in tree.leaves():
        yield cid, _block(cid, get)


def _block(cid: Cid, get: BlockGetter) -> bytes:
    try:
        return get(cid)
    except KeyError as error:
        raise CorruptContent(f"the block {cid} is missing") from error
