"""The tree: one shape for one set of leaves, whatever the way there, and the same as arroba's."""

import random
from collections.abc import Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst import EMPTY_BLOCK, EMPTY_ROOT, Change, Tree, build, check
from roadstead.core.errors import CorruptContent
from tests.property.strategies import cids, paths, trees
from tests.rig.referees import arroba_root


def _tree(blocks: Mapping[Cid, bytes], root: Cid) -> Tree:
    return Tree(root, {EMPTY_ROOT: EMPTY_BLOCK, **blocks}.__getitem__)


def _built(leaves: Mapping[str, Cid]) -> Tree:
    change = build(leaves.items())
    return _tree(change.new_blocks, change.root)


def _applied(tree: Tree, change: Change) -> Tree:
    """The changed tree on exactly the blocks that a store which believes `change` would hold."""
    blocks = {cid: block for cid, block in tree.nodes() if cid not in change.removed}
    assert not blocks.keys() & change.new_blocks.keys()
    return Tree(change.root, {**blocks, **change.new_blocks}.__getitem__)


@given(trees, st.randoms(use_true_random=False))
def test_the_root_is_arrobas_in_any_order(leaves: dict[str, Cid], chance: random.Random) -> None:
    order = list(leaves.items())
    chance.shuffle(order)
    assert str(build(order).root) == arroba_root(leaves.items())


@given(trees)
def test_a_walk_gives_the_sorted_leaves_and_every_node_once(leaves: dict[str, Cid]) -> None:
    change = build(leaves.items())
    tree = _tree(change.new_blocks, change.root)
    assert list(tree.leaves()) == sorted(leaves.items())
    assert list(tree.leaves(reverse=True)) == sorted(leaves.items(), reverse=True)
    nodes = list(tree.nodes())
    assert len(nodes) == len(dict(nodes))
    assert dict(nodes) == (dict(change.new_blocks) or {EMPTY_ROOT: EMPTY_BLOCK})
    assert check(tree) == leaves


@given(trees, st.dictionaries(paths, cids, max_size=10), st.data())
def test_a_batch_is_what_its_changes_are_one_by_one(
    leaves: dict[str, Cid], puts: dict[str, Cid], data: st.DataObject
) -> None:
    gone = data.draw(st.lists(st.sampled_from(sorted(leaves)), unique=True)) if leaves else []
    changes: dict[str, Cid | None] = {**dict.fromkeys(gone), **puts}
    after = {key: value for key, value in {**leaves, **changes}.items() if value is not None}

    tree = _built(leaves)
    batch = _applied(tree, tree.apply(changes))
    single = tree
    for key, value in changes.items():
        single = _applied(single, single.apply({key: value}))

    assert batch.root == single.root == build(after.items()).root
    # Neither left a node behind that the tree does not need, nor took one away that it does.
    assert dict(batch.nodes()) == dict(single.nodes()) == dict(_built(after).nodes())
    assert dict(batch.leaves()) == after


@given(trees, st.data())
def test_deleting_everything_leaves_the_empty_tree(leaves: dict[str, Cid], data: st.DataObject) -> None:
    tree = _built(leaves)
    for key in data.draw(st.permutations(sorted(leaves))):
        tree = _applied(tree, tree.apply({key: None}))
    assert tree.root == EMPTY_ROOT


@given(trees, paths)
def test_a_proof_is_enough_to_look_up_its_key(leaves: dict[str, Cid], path: str) -> None:
    tree = _built(leaves)
    for key in [path, *leaves]:
        proof = Tree(tree.root, tree.proof(key).__getitem__)
        assert proof.find(key) == tree.find(key) == leaves.get(key)


@given(trees, st.dictionaries(paths, cids, max_size=6), st.data())
def test_the_new_nodes_and_covering_proofs_are_enough_to_undo_a_change(
    leaves: dict[str, Cid], puts: dict[str, Cid], data: st.DataObject
) -> None:
    gone = data.draw(st.lists(st.sampled_from(sorted(leaves)), max_size=4, unique=True)) if leaves else []
    changes: dict[str, Cid | None] = {**dict.fromkeys(gone), **puts}
    assume(changes)
    before = _built(leaves)
    change = before.apply(changes)
    after = _applied(before, change)
    known = dict(change.new_blocks)
    for key in changes:
        known |= after.covering_proof(key)

    undone = Tree(change.root, {EMPTY_ROOT: EMPTY_BLOCK, **known}.__getitem__)
    undo = {key: leaves.get(key) for key in data.draw(st.permutations(sorted(changes)))}
    assert undone.apply(undo).root == before.root


@given(trees, st.text("abci.o/m", max_size=12), st.text("abci.o/m", max_size=12), st.booleans())
def test_a_range_is_that_of_the_sorted_keys(leaves: dict[str, Cid], after: str, before: str, reverse: bool) -> None:
    tree = _built(leaves)
    wanted = sorted((key for key in leaves if after < key < before), reverse=reverse)
    assert [key for key, _ in tree.leaves(after=after, before=before, reverse=reverse)] == wanted
    for collection in ("io.atcr.tag/", "io.atcr.m"):
        with_prefix = sorted((key for key in leaves if key.startswith(collection)), reverse=reverse)
        assert [key for key, _ in tree.leaves(prefix=collection, reverse=reverse)] == with_prefix


@given(trees.filter(lambda leaves: len(leaves) > 2), st.data())
def test_a_damaged_tree_is_refused(leaves: dict[str, Cid], data: st.DataObject) -> None:
    """Blocks under wrong CIDs stand for all that a liar who hashes well can make."""
    tree = _built(leaves)
    blocks = dict(tree.nodes())
    victim, other = data.draw(st.sampled_from(sorted(blocks))), data.draw(st.sampled_from(sorted(blocks)))
    blocks[victim] = data.draw(st.sampled_from([blocks[other], EMPTY_BLOCK, blocks[victim][:-1], b""]))
    try:
        found = check(Tree(tree.root, blocks.__getitem__))
    except CorruptContent:
        return
    assert found == leaves
