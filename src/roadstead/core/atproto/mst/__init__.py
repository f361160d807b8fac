"""The Merkle Search Tree of a repository: from record paths to the CIDs of records.

Specification: AT Protocol repository, section MST Structure.

    node    one block, decoded: its keys, their values and the subtrees between them
    edit    a tree being changed: only the nodes on the way are loaded, copied and written again
    tree    what others use: a root, looked up, walked, proved and changed
    whole   a tree made of its leaves, and held against them

Pure: blocks come from a function that is an argument, and new blocks are handed back.
"""

from roadstead.core.atproto.mst.node import EMPTY_BLOCK, EMPTY_ROOT, BlockGetter, Node, NodeCache, key_height
from roadstead.core.atproto.mst.tree import Change, Tree
from roadstead.core.atproto.mst.whole import build, check

__all__ = [
    "EMPTY_BLOCK",
    "EMPTY_ROOT",
    "BlockGetter",
    "Change",
    "Node",
    "NodeCache",
    "Tree",
    "build",
    "check",
    "key_height",
]
