"""Signed commits of repositories, version 3 (AT Protocol repository specification, section Commit Objects).

Owns a commit's bytes and its signature. Keys are arguments: see `roadstead.core.atproto.multikey`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from roadstead.core.atproto.cid import DAG_CBOR, Cid
from roadstead.core.atproto.dagcbor import Value, decode_map, encode
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.multikey import PublicKey, Sign, verifies
from roadstead.core.atproto.tid import Tid
from roadstead.core.errors import CorruptContent, RoadsteadError

VERSION: Final = 3
_FIELDS: Final = {"did", "version", "data", "rev", "prev", "sig"}


@dataclass(frozen=True, slots=True)
class Commit:
    """One state of a repository, signed by its account.

    Args:
        data: the root of the tree of records.
        rev: grows with every commit.
        sig: 64 bytes over the block without this field.
        prev: the commit before, which older repositories name; written as null here, as the specification advises.
    """

    did: Did
    data: Cid
    rev: Tid
    sig: bytes
    prev: Cid | None = None

    @classmethod
    def signed(cls, did: Did, data: Cid, rev: Tid, sign: Sign) -> Commit:
        """The commit of `data`, signed by `sign`."""
        return cls(did, data, rev, sign(encode(_unsigned(did, data, rev, None))))

    @classmethod
    def decode(cls, block: bytes) -> Commit:
        """The commit in `block`, whose signature is still to be verified.

        Raises:
            CorruptContent: no commit of version 3.
        """
        fields = decode_map(block)
        did, data, rev, prev, sig = (fields.get(name) for name in ("did", "data", "rev", "prev", "sig"))
        if fields.keys() | {"prev"} != _FIELDS or fields["version"] != VERSION:
            raise CorruptContent(f"a block is no commit of version {VERSION}: it has {', '.join(sorted(fields))[:200]}")
        if not isinstance(data, Cid) or data.codec != DAG_CBOR or not (prev is None or isinstance(prev, Cid)):
            raise CorruptContent("a commit's data and prev have to be links")
        if not isinstance(did, str) or not isinstance(rev, str) or not isinstance(sig, bytes):
            raise CorruptContent("a commit's did and rev have to be text, and its sig a byte string")
        try:
            return cls(Did.parse(did), data, Tid.parse(rev), sig, prev)
        except RoadsteadError as error:
            raise CorruptContent(f"a commit names its account or revision wrongly: {error.message}") from error

    def encode(self) -> bytes:
        """The commit's block."""
        return encode({**_unsigned(self.did, self.data, self.rev, self.prev), "sig": self.sig})

    def verify(self, key: PublicKey) -> None:
        """Check the signature.

        Raises:
            CorruptContent: it is not of this commit by the owner of `key`.
        """
        if not verifies(key, encode(_unsigned(self.did, self.data, self.rev, self.prev)), self.sig):
            raise CorruptContent(f"the signature of {self.did}'s commit {self.rev} does not verify with its key")


def _unsigned(did: Did, data: Cid, rev: Tid, prev: Cid | None) -> dict[str, Value]:
    return {"did": str(did), "version": VERSION, "data": data, "rev": str(rev), "prev": prev}
