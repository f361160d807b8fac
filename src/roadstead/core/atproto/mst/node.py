"""One node of the tree, and its block (AT Protocol repository specification, section MST Structure).

A node of height h holds, in order, keys whose hash begins with h pairs of zero bits, and between and around them the
subtrees of height h - 1 that hold what sorts there. Its height is written nowhere: it follows from its keys.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import libipld

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import decode_loosely
from roadstead.core.errors import CorruptContent, InvalidRecord

BlockGetter: TypeAlias = Callable[[Cid], bytes]
"""Gives the block of a CID, already verified against it; `KeyError` where there is none."""

MAX_KEY_LENGTH: Final = 1024
MAX_NODE_BYTES: Final = 1_000_000

_KEY: Final = re.compile(r"[A-Za-z0-9._~:-]+/[A-Za-z0-9._~:-]+")


@dataclass(frozen=True, slots=True)
class Node:
    """A node, decoded and as a block. `trees[i]` lies before `keys[i]`, and one more lies after the last key."""

    keys: Sequence[str]
    values: Sequence[Cid]
    trees: Sequence[Cid | None]
    block: bytes = field(repr=False)

    @classmethod
    def of(cls, keys: Sequence[str], values: Sequence[Cid], trees: Sequence[Cid | None]) -> Node:
        """The node of these parts, whose keys are in order and have been checked."""
        entries = []
        previous = b""
        for text, value, tree in zip(keys, values, trees[1:], strict=True):
            key = text.encode("ascii")
            shared = _shared_length(previous, key)
            # A key's bytes are printable, so libipld cannot take them for a link; it does take `v` and `t` for links.
            entries.append({"p": shared, "k": key[shared:], "v": value.raw, "t": tree.raw if tree else None})
            previous = key
        left = trees[0]
        return cls(keys, values, trees, libipld.encode_dag_cbor({"l": left.raw if left else None, "e": entries}))

    @classmethod
    def decode(cls, block: bytes) -> Node:
        """The node in `block`. How it fits into its tree is checked by whoever walks there.

        Raises:
            CorruptContent: no node; keys that are malformed or out of order; not the one form of its block.
        """
        if len(block) > MAX_NODE_BYTES:
            raise CorruptContent(f"a tree node of {len(block)} bytes is too large; expected at most {MAX_NODE_BYTES}")
        try:
            node = cls._from_map(decode_loosely(block))
        except (KeyError, TypeError, ValueError, AttributeError, InvalidRecord) as error:
            raise CorruptContent(f"a block is no node of a repository's tree: {error}") from error
        # Finds what the fields alone do not show: keys compressed too little, fields too many, another form of CBOR.
        if node.block != block:
            raise CorruptContent("a node of a repository's tree is not in its one form")
        return node

    @classmethod
    def _from_map(cls, fields: object) -> Node:
        if not isinstance(fields, dict):
            raise TypeError("expected a map of l and e")
        keys: list[str] = []
        values: list[Cid] = []
        trees = [_optional_cid(fields["l"])]
        previous = ""
        for entry in fields["e"]:
            key = previous[: entry["p"]] + entry["k"].decode("ascii")
            if key <= previous:
                raise ValueError("its keys are not in order")
            keys.append(check_key(key))
            values.append(Cid.from_bytes(entry["v"]))
            trees.append(_optional_cid(entry["t"]))
            previous = key
        return cls.of(keys, values, trees)


NodeCache: TypeAlias = MutableMapping[Cid, Node]
"""Decoded nodes by their CID. Whoever passes one bounds it."""

EMPTY_BLOCK: Final = Node.of((), (), (None,)).block
"""The one node that holds nothing: the tree of a repository without records."""

EMPTY_ROOT: Final = Cid.of_record(EMPTY_BLOCK)


def key_height(key: str) -> int:
    """The height of the nodes that `key` belongs in: the pairs of zero bits that its SHA-256 begins with."""
    digest = int.from_bytes(hashlib.sha256(key.encode("ascii")).digest(), "big")
    return (256 - digest.bit_length()) // 2


def check_key(key: str) -> str:
    """`key`, if it is a record's path: a collection, a slash, a record key.

    Raises:
        InvalidRecord: it is none.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise InvalidRecord(f"{key[:80]!r} is not the path of a record; expected COLLECTION/RKEY")
    return key


def _shared_length(first: bytes, second: bytes) -> int:
    """How many bytes the two begin with in common."""
    length = min(len(first), len(second))
    # As two numbers: a step of the interpreter per byte would be most of what a commit costs.
    difference = int.from_bytes(first[:length], "big") ^ int.from_bytes(second[:length], "big")
    return length - (difference.bit_length() + 7) // 8


def _optional_cid(raw: bytes | None) -> Cid | None:
    return None if raw is None else Cid.from_bytes(raw)
