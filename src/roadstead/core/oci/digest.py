"""Content digests (OCI image-spec v1.1, descriptor.md, section Digests).

Owns the parsed `Digest` and the list of algorithms that this server stores. Hashing bytes is done where the
bytes are: see `roadstead.content`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import InvalidDigest

HEX_LENGTHS: Final = {"sha256": 64, "sha512": 128}
"""The supported algorithms, and how many hex digits a digest of each has."""

DEFAULT_ALGORITHM: Final = "sha256"

_HEX: Final = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Digest:
    """`algorithm:hex`, always of a supported algorithm and the right length."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest that `text` spells, e.g. `sha256:` and 64 lower-case hex digits.

        Raises:
            InvalidDigest: malformed, or of an algorithm that is not supported.
        """
        algorithm, colon, digits = text.partition(":")
        length = HEX_LENGTHS.get(algorithm)
        if not colon or length is None:
            supported = " or ".join(HEX_LENGTHS)
            raise InvalidDigest(f"digest {text[:160]!r} is not of a supported algorithm; expected {supported}")
        if len(digits) != length or not _HEX.fullmatch(digits):
            raise InvalidDigest(f"digest {text[:160]!r} is malformed; expected {length} lower-case hex digits")
        return cls(algorithm, digits)

    @classmethod
    def of(cls, data: bytes, algorithm: str = DEFAULT_ALGORITHM) -> Digest:
        """The digest of `data`, which is wholly in memory (a manifest, a config)."""
        check_algorithm(algorithm)
        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def check_algorithm(name: str) -> str:
    """`name`, if it is a supported algorithm.

    Raises:
        InvalidDigest: it is not.
    """
    if name not in HEX_LENGTHS:
        raise InvalidDigest(f"digest algorithm {name[:40]!r} is not supported; expected {' or '.join(HEX_LENGTHS)}")
    return name
