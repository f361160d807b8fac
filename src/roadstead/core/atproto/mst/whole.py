"""A tree as a whole: made of its leaves from nothing, and held against them."""

from __future__ import annotations

from collections.abc import Iterable

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst.node import EMPTY_BLOCK, EMPTY_ROOT
from roadstead.core.atproto.mst.tree import Change, Tree
from roadstead.core.errors import CorruptContent


def build(leaves: Iterable[tuple[str, Cid]]) -> Change:
    """The tree of `leaves`, from nothing: it has one shape, in whatever order they come.

    Raises:
        InvalidRecord: a key is not a record's path.
    """
    empty = Tree(EMPTY_ROOT, {EMPTY_ROOT: EMPTY_BLOCK}.__getitem__)
    return empty.apply(dict(leaves))


def check(tree: Tree) -> dict[str, Cid]:
    """The leaves of a tree that came from outside, once it is proved to be what its leaves make.

    Every rule on heights, empty nodes and compression is held by one comparison: the tree built anew has the same root.

    Raises:
        CorruptContent: it is not.
    """
    leaves = dict(tree.leaves())
    if build(leaves.items()).root != tree.root:
        raise CorruptContent("a repository's tree is not the one that its records make")
    return leaves
