"""Hashes that outlive their process (FIPS 180-4), with `hashlib` as the way where that cannot be had."""

from __future__ import annotations

import hashlib
import sys
from typing import Final, Protocol

from roadstead.content import libcrypto
from roadstead.core.oci.digest import Digest, check_algorithm

_KIND: Final = f"libcrypto-{sys.byteorder}".encode()
"""Opens every kept state, so that one from a machine of another kind is never continued."""


class _Running(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> _Running: ...


class Hasher:
    """A running hash. One thread at a time may use it; `update` lets the others run meanwhile."""

    __slots__ = ("_running", "algorithm", "size_bytes")

    def __init__(self, algorithm: str, running: _Running, size_bytes: int) -> None:
        self.algorithm = algorithm
        self.size_bytes = size_bytes
        """How many bytes were hashed."""
        self._running = running

    @classmethod
    def start(cls, algorithm: str) -> Hasher:
        """A hash of nothing yet.

        Raises:
            InvalidDigest: the algorithm is not supported.
        """
        functions = libcrypto.Functions.load(check_algorithm(algorithm))
        running: _Running = libcrypto.Context(functions) if functions else hashlib.new(algorithm)
        return cls(algorithm, running, 0)

    @classmethod
    def resume(cls, algorithm: str, state: bytes, size_bytes: int) -> Hasher | None:
        """The hash that `state` was taken from after `size_bytes`; None where the bytes have to be hashed again."""
        functions = libcrypto.Functions.load(check_algorithm(algorithm))
        kind, _, raw = state.partition(b":")
        if functions is None or kind != _KIND or not functions.layout.continues(raw, size_bytes):
            return None
        return cls(algorithm, libcrypto.Context(functions, raw), size_bytes)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Hashes the next bytes."""
        self._running.update(data)
        self.size_bytes += len(data)

    def state(self) -> bytes:
        """What `resume` continues from; empty where this machine's hashes cannot be kept."""
        if isinstance(self._running, libcrypto.Context):
            return _KIND + b":" + self._running.raw()
        return b""

    def copy(self) -> Hasher:
        """A hash that goes on from here by itself."""
        return Hasher(self.algorithm, self._running.copy(), self.size_bytes)

    def digest(self) -> Digest:
        """The digest of what was hashed until now; hashing can go on."""
        return Digest(self.algorithm, self._running.hexdigest())
