"""What one process remembers of repositories between commits: decoded tree nodes, signers, its clock id.

All of it is known by what it is (a node by its hash, a signer by its key), so nothing here can be out of date, and a
transaction that is rolled back leaves nothing wrong behind.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst import Node
from roadstead.core.atproto.multikey import Sign, signer
from roadstead.core.atproto.tid import MAX_CLOCK_ID
from roadstead.core.errors import CorruptContent

NODES: Final = 2048
"""Nodes to remember, of some 2 KB each: all of repositories with some 6,000 records together."""

SIGNERS: Final = 256


class Nodes(MutableMapping[Cid, Node]):
    """Decoded nodes; the one not used for longest goes first. For the writer thread alone."""

    def __init__(self, limit: int = NODES) -> None:
        self._nodes: OrderedDict[Cid, Node] = OrderedDict()
        self._limit = limit

    def __getitem__(self, cid: Cid) -> Node:
        node = self._nodes[cid]
        self._nodes.move_to_end(cid)
        return node

    def __setitem__(self, cid: Cid, node: Node) -> None:
        self._nodes[cid] = node
        if len(self._nodes) > self._limit:
            self._nodes.popitem(last=False)

    def __delitem__(self, cid: Cid) -> None:
        del self._nodes[cid]

    def __iter__(self) -> Iterator[Cid]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


class Memory:
    """One for each process."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.clock_id: int = secrets.randbelow(MAX_CLOCK_ID + 1)
        self._signers: dict[str, Sign] = {}

    def signer(self, private_key_pem: str) -> Sign:
        """What signs with this key; reading a key costs as much as signing with it does."""
        sign = self._signers.get(private_key_pem)
        if sign is None:
            if len(self._signers) >= SIGNERS:
                self._signers.clear()
            sign = self._signers[private_key_pem] = signer(private_key(private_key_pem))
        return sign


def new_private_key_pem() -> str:
    """A new P-256 key as PKCS#8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The key that a PEM spells.

    Raises:
        CorruptContent: no such key.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except ValueError as error:
        raise CorruptContent("an account's private key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CorruptContent("an account's private key is of another kind than expected")
    return key
