"""The SHA-2 of the libcrypto that Python itself uses, on a struct whose bytes can be kept (FIPS 180-4).

`hashlib` gives no access to a running hash. OpenSSL's `SHA256_CTX` and `SHA512_CTX` are plain structs without
pointers, the same in every release since 0.9.8: their bytes are the state. Nothing here is used before
`Functions.load` has proved, against `hashlib`, that this machine's library has that layout.
"""

from __future__ import annotations

import _hashlib
import ctypes
import hashlib
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Layout:
    """One of OpenSSL's structs: words, low and high half of the bit count, pending block, its fill, digest length."""

    prefix: str
    fields: struct.Struct
    half_bits: int
    block_bytes: int
    digest_bytes: int

    def continues(self, raw: bytes, size_bytes: int) -> bool:
        """Whether `raw` is the state after `size_bytes`. C trusts the fill as an index, so nothing else may pass."""
        if len(raw) != self.fields.size:
            return False
        _words, low, high, _block, fill, length = self.fields.unpack(raw)
        counted_bits = low | high << self.half_bits
        return bool(
            counted_bits == size_bytes * 8 and fill == size_bytes % self.block_bytes and length == self.digest_bytes
        )


LAYOUTS: Final = {
    "sha256": Layout("SHA256", struct.Struct("=32sII64sII"), 32, 64, 32),
    "sha512": Layout("SHA512", struct.Struct("=64sQQ128sII"), 64, 128, 64),
}


@dataclass(frozen=True, slots=True)
class Functions:
    """The three functions of one algorithm."""

    layout: Layout
    init: Any
    update: Any
    final: Any

    @classmethod
    def load(cls, algorithm: str) -> Functions | None:
        """The functions, or None where they cannot be had or do not agree with `hashlib`."""
        return _load(algorithm)


@cache
def _load(algorithm: str) -> Functions | None:
    layout = LAYOUTS[algorithm]
    try:
        # A lookup in _hashlib also searches what it is linked with: exactly the libcrypto that Python uses.
        library = ctypes.CDLL(getattr(_hashlib, "__file__", None))
        functions = Functions(
            layout,
            _function(library, f"{layout.prefix}_Init", ctypes.c_void_p),
            _function(library, f"{layout.prefix}_Update", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
            _function(library, f"{layout.prefix}_Final", ctypes.c_char_p, ctypes.c_void_p),
        )
    except (OSError, AttributeError):
        return None
    return functions if _agrees(functions, algorithm) else None


def _function(library: ctypes.CDLL, name: str, *arguments: Any) -> Any:
    function = library[name]
    function.argtypes = arguments
    function.restype = ctypes.c_int
    return function


class Context:
    """A running hash. `update` lets other threads run, as every ctypes call does."""

    __slots__ = ("_buffer", "_functions")

    def __init__(self, functions: Functions, raw: bytes | None = None) -> None:
        size = functions.layout.fields.size
        self._functions = functions
        self._buffer = ctypes.create_string_buffer(size) if raw is None else ctypes.create_string_buffer(raw, size)
        if raw is None:
            functions.init(self._buffer)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Hashes `data`; only a read-only view is copied for it."""
        if isinstance(data, bytes):
            self._functions.update(self._buffer, data, len(data))
            return
        view = memoryview(data)
        if view.readonly or not view.contiguous:
            self.update(bytes(view))
        else:
            self._functions.update(self._buffer, (ctypes.c_char * view.nbytes).from_buffer(view), view.nbytes)

    def raw(self) -> bytes:
        """The struct's bytes: the whole state."""
        return self._buffer.raw

    def copy(self) -> Context:
        """A hash that goes on from here by itself."""
        return Context(self._functions, self._buffer.raw)

    def hexdigest(self) -> str:
        """The digest of what was hashed until now; hashing can go on."""
        digest = ctypes.create_string_buffer(self._functions.layout.digest_bytes)
        self._functions.final(digest, self.copy()._buffer)
        return digest.raw.hex()


def _agrees(functions: Functions, algorithm: str) -> bool:
    """Whether states kept and continued give what `hashlib` gives, at each kind of boundary of a block."""
    layout = functions.layout
    sample = bytes(range(256)) * 2
    expected = hashlib.new(algorithm, sample).hexdigest()
    for split in (0, 1, layout.block_bytes - 1, layout.block_bytes, layout.block_bytes + 1, len(sample)):
        first = Context(functions)
        first.update(sample[:split])
        kept = first.raw()
        if not layout.continues(kept, split):
            return False
        second = Context(functions, kept)
        second.update(sample[split:])
        if second.hexdigest() != expected:
            return False
    return True
