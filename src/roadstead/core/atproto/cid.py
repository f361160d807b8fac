"""Content identifiers, in the one form that AT Protocol blesses (AT Protocol data model, section Link and CID Formats).

Owns `Cid`: CIDv1, sha2-256, of a record or tree block (dag-cbor) or of a blob (raw). Every other CID is refused.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

import libipld

from roadstead.core.errors import InvalidRecord
from roadstead.core.oci.digest import Digest

DAG_CBOR: Final = 0x71
RAW: Final = 0x55

LENGTH_BYTES: Final = 36
"""Version, codec, hash function, hash length (a byte each), then the 32 bytes of the hash."""

_RECORD_PREFIX: Final = bytes((1, DAG_CBOR, 0x12, 32))
_BLOB_PREFIX: Final = bytes((1, RAW, 0x12, 32))
_TEXT: Final = re.compile(r"b[a-z2-7]{58}")


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """The 36 bytes of a CID; only made through the constructors below, which check them."""

    raw: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> Cid:
        """The CID whose binary form is `raw`.

        Raises:
            InvalidRecord: another length, version, codec or hash function.
        """
        if not spells_cid(raw):
            raise InvalidRecord(f"{raw[:8].hex()}… is no CID of a record or blob; expected CIDv1 with sha2-256")
        return cls(raw)

    @classmethod
    def parse(cls, text: str) -> Cid:
        """The CID that `text` spells in base32, e.g. `bafyrei…` (record) or `bafkrei…` (blob).

        Raises:
            InvalidRecord: not base32 of such a CID.
        """
        if not _TEXT.fullmatch(text):
            raise InvalidRecord(f"{text[:80]!r} is not a CID; expected 'b' and 58 characters of base32")
        try:
            return cls.from_bytes(bytes(libipld.decode_multibase(text)[1]))
        except ValueError as error:
            # The last character has two spare bits, which have to be zero: one CID has one spelling.
            raise InvalidRecord(f"{text!r} is not a CID: {error}") from error

    @classmethod
    def of_record(cls, block: bytes) -> Cid:
        """The CID of a DAG-CBOR block: a record, a tree node or a commit."""
        return cls(_RECORD_PREFIX + hashlib.sha256(block).digest())

    @classmethod
    def of_blob(cls, content: bytes) -> Cid:
        """The CID of a blob that is wholly in memory."""
        return cls(_BLOB_PREFIX + hashlib.sha256(content).digest())

    @classmethod
    def of_blob_digest(cls, digest: Digest) -> Cid:
        """The CID of a blob whose OCI digest is known: the same hash, spelt otherwise.

        Raises:
            InvalidRecord: the digest is not sha256.
        """
        if digest.algorithm != "sha256":
            raise InvalidRecord(f"a blob's CID needs its sha256 digest; got {digest.algorithm}")
        return cls(_BLOB_PREFIX + bytes.fromhex(digest.hex))

    @property
    def codec(self) -> int:
        """`DAG_CBOR` or `RAW`."""
        return self.raw[1]

    @property
    def digest(self) -> Digest:
        """The hash as an OCI digest."""
        return Digest("sha256", self.raw[4:].hex())

    def matches(self, block: bytes) -> bool:
        """Whether `block` is the content that this CID names."""
        return hashlib.sha256(block).digest() == self.raw[4:]

    def __str__(self) -> str:
        return libipld.encode_cid(self.raw)


def spells_cid(raw: bytes) -> bool:
    """Whether `raw` is exactly the binary form of a `Cid`."""
    return len(raw) == LENGTH_BYTES and raw[:4] in (_RECORD_PREFIX, _BLOB_PREFIX)
