"""Whole repositories in CAR files, which arroba reads, and which are refused when anything is amiss."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.core.atproto.car import read_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.multikey import signer
from roadstead.core.atproto.snapshot import verify_snapshot, write_snapshot
from roadstead.core.errors import CorruptContent
from tests.rig.referees import arroba_leaves, arroba_verifies
from tests.rig.repository import MemoryRepository, put

Blocks = dict[Cid, bytes]


@pytest.fixture(scope="module")
def repository() -> MemoryRepository:
    ours = MemoryRepository()
    for number in range(50):
        ours.commit(put(f"io.atcr.tag/app_{number}", number=number % 10))
    return ours


def test_what_is_written_verifies(repository: MemoryRepository) -> None:
    roots, blocks = read_car(repository.car())
    snapshot = verify_snapshot(roots, blocks, repository.did, repository.key.public_key())
    assert snapshot.records == dict(repository.tree.leaves())
    assert repository.head
    assert snapshot.cid == repository.head.cid


def test_arroba_reads_the_same(repository: MemoryRepository) -> None:
    roots, blocks = read_car(repository.car())
    assert arroba_verifies(blocks[roots[0]], repository.key.public_key())
    leaves = arroba_leaves(Commit.decode(blocks[roots[0]]).data, blocks.values())
    assert leaves == {path: str(cid) for path, cid in repository.tree.leaves()}


def _without_a_record(repository: MemoryRepository, blocks: Blocks) -> None:
    del blocks[dict(repository.tree.leaves())["io.atcr.tag/app_7"]]


def _without_a_node(repository: MemoryRepository, blocks: Blocks) -> None:
    del blocks[list(repository.tree.nodes())[-1][0]]


def _without_the_commit(repository: MemoryRepository, blocks: Blocks) -> None:
    assert repository.head
    del blocks[repository.head.cid]


@pytest.mark.parametrize("damage", [_without_a_record, _without_a_node, _without_the_commit])
def test_a_file_that_lacks_a_block_is_refused(
    repository: MemoryRepository, damage: Callable[[MemoryRepository, Blocks], None]
) -> None:
    roots, blocks = read_car(repository.car())
    damage(repository, blocks)
    with pytest.raises(CorruptContent):
        verify_snapshot(roots, blocks, repository.did, repository.key.public_key())
    with pytest.raises(CorruptContent):
        list(write_snapshot(roots[0], blocks.__getitem__))


def test_a_repository_of_somebody_else_is_refused(repository: MemoryRepository) -> None:
    roots, blocks = read_car(repository.car())
    with pytest.raises(CorruptContent):
        verify_snapshot(roots, blocks, Did.of_web("mallory.localhost"), repository.key.public_key())
    stranger = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(CorruptContent):
        verify_snapshot(roots, blocks, repository.did, stranger.public_key())
    with pytest.raises(CorruptContent):
        verify_snapshot((*roots, *roots), blocks, repository.did, repository.key.public_key())


def test_a_commit_of_something_that_is_no_tree_is_refused(repository: MemoryRepository) -> None:
    assert repository.head
    block = Commit.signed(repository.did, repository.head.cid, repository.head.rev, signer(repository.key)).encode()
    root = Cid.of_record(block)
    blocks = {**repository.blocks, root: block}
    with pytest.raises(CorruptContent):
        verify_snapshot((root,), blocks, repository.did, repository.key.public_key())
