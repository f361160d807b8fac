"""A tree being changed.

Drafts are copies of the nodes on the way to what changes; every other subtree stays a `Cid` that is never loaded. When
all is done, the drafts that changed are written, children first. What a change does to the shape:

- a new key splits the subtree in its place in two, at every height below its own; above the root it grows a new one;
- a deleted key joins the two subtrees around it, at every height below its own; a root left with a single subtree
  gives way to that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TypeAlias

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst.node import Node, check_key, key_height
from roadstead.core.errors import CorruptContent, UnknownRecord


class Draft:
    """A node that may change. `origin` is its block as long as it has not."""

    __slots__ = ("keys", "origin", "trees", "values")

    def __init__(self, keys: list[str], values: list[Cid], trees: list[Subtree], origin: Cid | None = None) -> None:
        self.keys = keys
        self.values = values
        self.trees = trees
        self.origin = origin

    @property
    def vanished(self) -> bool:
        """Whether neither a key nor a subtree is left."""
        return not self.keys and self.trees[0] is None


Subtree: TypeAlias = Draft | Cid | None


class Edit:
    """Changes to one tree, one after the other, and the blocks that come of them.

    Args:
        root: the tree's root.
        load: gives the decoded node of a CID.
        keep: is told of every node that is written.
    """

    def __init__(self, root: Cid, load: Callable[[Cid], Node], keep: Callable[[Cid, Node], None]) -> None:
        self._load = load
        self._keep = keep
        self._retired: set[Cid] = set()
        self._root = self._open(root)

    def put(self, key: str, value: Cid) -> None:
        """Set `key` to `value`, whether it was there or not.

        Raises:
            InvalidRecord: the key is not a record's path.
            CorruptContent: the tree is not what it should be.
        """
        height = key_height(check_key(key))
        if self._root.vanished:
            self._touch(self._root)
            self._root = _leaf(key, value)
            return
        if not self._root.keys:
            raise CorruptContent("the root of a repository's tree holds no key, but a subtree")
        root_height = key_height(self._root.keys[0])
        if height <= root_height:
            self._put(self._root, root_height, key, value, height)
            return
        left, right = self._split(self._root, key)
        levels = height - 1 - root_height
        self._root = Draft([key], [value], [_raised(left, levels), _raised(right, levels)])

    def delete(self, key: str) -> None:
        """Remove `key`.

        Raises:
            UnknownRecord: it is not there.
            CorruptContent: the tree is not what it should be.
        """
        self._delete(self._root, key)
        while not self._root.keys and self._root.trees[0] is not None:
            self._touch(self._root)
            self._root = self._open(self._root.trees[0])

    def finish(self) -> tuple[Cid, dict[Cid, bytes], frozenset[Cid]]:
        """The new root, the blocks that are new, and the CIDs of the nodes that are no longer part of the tree.

        No node can lie in two places of a tree, as no key can: what was taken out is out, unless it was written again.
        """
        written: dict[Cid, bytes] = {}
        root = self._write(self._root, written)
        new = {cid: block for cid, block in written.items() if cid not in self._retired}
        return root, new, frozenset(self._retired - written.keys())

    def _put(self, node: Draft, at: int, key: str, value: Cid, height: int) -> None:
        """Set `key`, which belongs `height` high, below or in `node`, which is `at` high."""
        self._touch(node)
        index = bisect_left(node.keys, key)
        subtree = node.trees[index]
        if at > height:
            if subtree is None:
                node.trees[index] = _raised(_leaf(key, value), at - 1 - height)
            else:
                node.trees[index] = child = self._open(subtree)
                self._put(child, at - 1, key, value, height)
        elif index < len(node.keys) and node.keys[index] == key:
            node.values[index] = value
        else:
            node.keys.insert(index, key)
            node.values.insert(index, value)
            node.trees[index : index + 1] = self._split(subtree, key)

    def _delete(self, node: Draft, key: str) -> None:
        self._touch(node)
        index = bisect_left(node.keys, key)
        subtree = node.trees[index]
        if index < len(node.keys) and node.keys[index] == key:
            del node.keys[index], node.values[index]
            node.trees[index : index + 2] = [self._join(subtree, node.trees[index + 1])]
        elif subtree is None:
            raise UnknownRecord(f"there is no record at {key}")
        else:
            child = self._open(subtree)
            self._delete(child, key)
            node.trees[index] = None if child.vanished else child

    def _split(self, tree: Subtree, key: str) -> tuple[Subtree, Subtree]:
        """What of `tree` sorts before `key`, and what after; where one of them is all of it, it is `tree` as it was."""
        if tree is None:
            return None, None
        node = self._open(tree)
        index = bisect_left(node.keys, key)
        left, right = self._split(node.trees[index], key)
        if index == len(node.keys) and right is None:
            return tree, None
        if index == 0 and left is None:
            return None, tree
        self._touch(node)
        return (
            Draft(node.keys[:index], node.values[:index], [*node.trees[:index], left]),
            Draft(node.keys[index:], node.values[index:], [right, *node.trees[index + 1 :]]),
        )

    def _join(self, left: Subtree, right: Subtree) -> Subtree:
        """One subtree of two neighbours of the same height."""
        if left is None or right is None:
            return left or right
        first, second = self._open(left), self._open(right)
        self._touch(first)
        self._touch(second)
        middle = self._join(first.trees[-1], second.trees[0])
        trees = [*first.trees[:-1], middle, *second.trees[1:]]
        return Draft(first.keys + second.keys, first.values + second.values, trees)

    def _open(self, tree: Draft | Cid) -> Draft:
        if isinstance(tree, Draft):
            return tree
        node = self._load(tree)
        return Draft(list(node.keys), list(node.values), list(node.trees), tree)

    def _touch(self, node: Draft) -> None:
        """Note that `node` changes, or goes: its block is out of use."""
        if node.origin is not None:
            self._retired.add(node.origin)
            node.origin = None

    def _write(self, node: Draft, written: dict[Cid, bytes]) -> Cid:
        if node.origin is not None:
            return node.origin
        trees = [self._write(tree, written) if isinstance(tree, Draft) else tree for tree in node.trees]
        new = Node.of(node.keys, node.values, trees)
        cid = Cid.of_record(new.block)
        written[cid] = new.block
        self._keep(cid, new)
        return cid


def _leaf(key: str, value: Cid) -> Draft:
    return Draft([key], [value], [None, None])


def _raised(tree: Subtree, levels: int) -> Subtree:
    """`tree` under as many nodes without keys as it takes to lie `levels` higher."""
    for _ in range(levels if tree is not None else 0):
        tree = Draft([], [], [tree])
    return tree
