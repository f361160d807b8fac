"""A repository's tree, as others use it (AT Protocol repository specification, section MST Structure).

`Tree` is a root and the way to its blocks. The blocks are not trusted: a walk checks that keys come in order and that
the tree is no deeper than hashes allow, so that a crafted one cannot be endless; `whole.check` proves the whole shape.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst.edit import Edit
from roadstead.core.atproto.mst.node import BlockGetter, Node, NodeCache
from roadstead.core.errors import CorruptContent

MAX_DEPTH: Final = 128
"""A SHA-256 has 128 pairs of bits, so no tree has more levels below its root."""

_TOO_DEEP: Final = f"a repository's tree is deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, slots=True)
class Change:
    """What `Tree.apply` made.

    Args:
        root: the root of the changed tree.
        new_blocks: the nodes to store: those that the tree before did not have.
        removed: the nodes of the tree before that the changed one does not have.
    """

    root: Cid
    new_blocks: Mapping[Cid, bytes]
    removed: frozenset[Cid]


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree under `root`.

    Args:
        root: the CID of its root node.
        get: gives a block, see `BlockGetter`.
        cache: decoded nodes, kept between trees of one repository where the caller passes one.
    """

    root: Cid
    get: BlockGetter
    cache: NodeCache = field(default_factory=dict, compare=False, repr=False)

    def find(self, key: str) -> Cid | None:
        """The value of `key`; `None` where it is not in the tree.

        Raises:
            CorruptContent: a node on the way is missing or no node.
        """
        node, index = self._path(key)[-1][1:]
        return node.values[index] if index < len(node.keys) and node.keys[index] == key else None

    def leaves(
        self, *, prefix: str = "", after: str = "", before: str | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Cid]]:
        """Keys with their values, in order; only the subtrees that can hold one are loaded.

        Args:
            prefix: only keys that begin so, e.g. `io.atcr.tag/`.
            after: only keys that sort behind it.
            before: only keys that sort ahead of it; `None`: no bound.
            reverse: the last one first.

        Raises:
            CorruptContent: a node is missing or no node, or the keys are out of order.
        """
        # Keys are ASCII, so nothing sorts between these two but what begins with the prefix.
        first = prefix[:-1] + chr(ord(prefix[-1]) - 1) + "\x7f" if prefix else ""
        last = prefix + "\x7f"
        end = last if before is None else min(before, last)
        return self._leaves(self.root, max(after, first), end, reverse, MAX_DEPTH, ("", "\x7f"))

    def nodes(self) -> Iterator[tuple[Cid, bytes]]:
        """Every node's CID and block, parents before children.

        Raises:
            CorruptContent: as `leaves`.
        """
        yield from self._nodes(self.root, MAX_DEPTH, ("", "\x7f"))

    def proof(self, key: str) -> dict[Cid, bytes]:
        """The blocks from the root to where `key` is, or would be: they prove its value, or its absence."""
        return {cid: node.block for cid, node, _ in self._path(key)}

    def covering_proof(self, key: str) -> dict[Cid, bytes]:
        """`proof`, and the blocks down to the neighbours of `key` on both sides.

        With them a reader who has only the changed nodes can undo the change of `key`, and so check that it leads from
        the tree before to this one (AT Protocol sync specification, section MST Operation Inversion).
        """
        path = self._path(key)
        cids = [cid for cid, _, _ in path]
        _, node, index = path[-1]
        if index < len(node.keys):
            cids += self._spine(node.trees[index], last=True, depth=MAX_DEPTH)
            cids += self._spine(node.trees[index + 1], last=False, depth=MAX_DEPTH)
        return {cid: self._node(cid).block for cid in cids}

    def apply(self, changes: Mapping[str, Cid | None]) -> Change:
        """The tree with `changes`, all in one pass: a value sets its key, `None` deletes it.

        Raises:
            InvalidRecord: a key is not a record's path.
            UnknownRecord: a key to delete is not there.
            CorruptContent: a node on the way is missing or no node.
        """
        edit = Edit(self.root, self._node, self.cache.__setitem__)
        try:
            for key, value in changes.items():
                if value is None:
                    edit.delete(key)
                else:
                    edit.put(key, value)
        except RecursionError as error:
            # A tree that hashes can make is never deep enough for this.
            raise CorruptContent(_TOO_DEEP) from error
        return Change(*edit.finish())

    def _path(self, key: str) -> list[tuple[Cid, Node, int]]:
        """The nodes from the root to where `key` is or would be, each with the index of its place there.

        The last one holds the key, or has no subtree in its place.
        """
        path: list[tuple[Cid, Node, int]] = []
        tree: Cid | None = self.root
        while tree is not None:
            _check_depth(MAX_DEPTH - len(path))
            node = self._node(tree)
            index = bisect_left(node.keys, key)
            path.append((tree, node, index))
            if index < len(node.keys) and node.keys[index] == key:
                break
            tree = node.trees[index]
        return path

    def _spine(self, tree: Cid | None, *, last: bool, depth: int) -> list[Cid]:
        """The nodes down one side of a subtree: its last subtrees, or its first."""
        if tree is None:
            return []
        _check_depth(depth)
        below = self._node(tree).trees[-1 if last else 0]
        return [tree, *self._spine(below, last=last, depth=depth - 1)]

    def _leaves(
        self, tree: Cid, after: str, before: str, reverse: bool, depth: int, bounds: tuple[str, str]
    ) -> Iterator[tuple[str, Cid]]:
        node = self._bounded(tree, depth, bounds)
        count = len(node.keys)
        for index in range(count, -1, -1) if reverse else range(count + 1):
            low = node.keys[index - 1] if index else bounds[0]
            high = node.keys[index] if index < count else bounds[1]
            subtree = node.trees[index]
            leaf_wanted = index < count and after < high < before
            if leaf_wanted and reverse:
                yield high, node.values[index]
            if subtree is not None and high > after and low < before:
                yield from self._leaves(subtree, after, before, reverse, depth - 1, (low, high))
            if leaf_wanted and not reverse:
                yield high, node.values[index]

    def _nodes(self, tree: Cid, depth: int, bounds: tuple[str, str]) -> Iterator[tuple[Cid, bytes]]:
        node = self._bounded(tree, depth, bounds)
        yield tree, node.block
        edges = [bounds[0], *node.keys, bounds[1]]
        for index, subtree in enumerate(node.trees):
            if subtree is not None:
                yield from self._nodes(subtree, depth - 1, (edges[index], edges[index + 1]))

    def _bounded(self, tree: Cid, depth: int, bounds: tuple[str, str]) -> Node:
        """A node, every key of which lies between `bounds`."""
        _check_depth(depth)
        # A walk keeps nothing: a repository may be larger than memory.
        node = self.cache.get(tree) or self._fetch(tree)
        if node.keys and not (bounds[0] < node.keys[0] and node.keys[-1] < bounds[1]):
            raise CorruptContent("the keys of a repository's tree are not in order")
        return node

    def _node(self, cid: Cid) -> Node:
        node = self.cache.get(cid)
        if node is None:
            node = self.cache[cid] = self._fetch(cid)
        return node

    def _fetch(self, cid: Cid) -> Node:
        try:
            return Node.decode(self.get(cid))
        except KeyError as error:
            raise CorruptContent(f"the tree node {cid} is missing") from error


def _check_depth(left: int) -> None:
    if left < 0:
        raise CorruptContent(_TOO_DEEP)
