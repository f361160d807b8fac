"""Deterministic DAG-CBOR, as AT Protocol uses it (AT Protocol data model; IPLD DAG-CBOR specification).

Owns the two directions between bytes and values, where a link is a `Cid` and a byte string is `bytes`. Does not know
of JSON: see `roadstead.core.atproto.datamodel`.

Reading is done by libipld. Writing is done here: libipld takes byte strings for links by looking at their first bytes
alone, and would turn one signature in a thousand into a link. What is read is written again and compared, which finds
every deviation from the one deterministic form: unsorted maps, long integers, and byte strings that spell a CID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast

import libipld

from roadstead.core.atproto.cid import Cid, spells_cid
from roadstead.core.errors import CorruptContent, InvalidRecord

Value: TypeAlias = "bool | int | str | bytes | Cid | Sequence[Value] | Mapping[str, Value] | None"

MAX_DEPTH: Final = 64
"""How deep maps and lists may nest; far above any lexicon, far below any stack."""

MAX_BLOCK_BYTES: Final = 2_000_000
"""The largest block that is read: the bound of a whole commit (AT Protocol sync specification, Limits)."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = range(0, 0xC0, 0x20)
_LINK: Final = b"\xd8\x2a\x58\x25\x00"
"""Tag 42, then a byte string of 37 bytes, the first being the identity multibase prefix."""


def encode(value: Value) -> bytes:
    """The one DAG-CBOR form of `value`.

    Raises:
        InvalidRecord: a float, an integer beyond 64 bits, a byte string that spells a CID (it has to be a `Cid`), text
            that is not Unicode, nesting beyond `MAX_DEPTH`, or a type that the data model does not have.
    """
    out = bytearray()
    _write(out, value, MAX_DEPTH)
    return bytes(out)


def decode(block: bytes, *, max_bytes: int = MAX_BLOCK_BYTES) -> Value:
    """The value whose one DAG-CBOR form is `block`.

    Raises:
        CorruptContent: not DAG-CBOR, not its deterministic form, too large, too deep, or outside the data model.
    """
    if len(block) > max_bytes:
        raise CorruptContent(f"a block of {len(block)} bytes is too large; expected at most {max_bytes}")
    try:
        value = _with_links(decode_loosely(block), MAX_DEPTH)
        canonical = encode(value)
    except InvalidRecord as error:
        raise CorruptContent(f"a block does not follow the AT Protocol data model: {error.message}") from error
    if canonical != block:
        raise CorruptContent("a block is not in the deterministic form of DAG-CBOR")
    return value


def decode_map(block: bytes, *, max_bytes: int = MAX_BLOCK_BYTES) -> dict[str, Value]:
    """`decode` for a block that has to hold a map: a record, a commit.

    Raises:
        CorruptContent: as `decode`, or the block holds something else.
    """
    value = decode(block, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise CorruptContent("a block holds no map at its top")
    return value


def decode_loosely(block: bytes) -> object:
    """What libipld reads, where links are `bytes` too: for readers that know each field's type (the tree's nodes).

    Raises:
        CorruptContent: not DAG-CBOR.
    """
    try:
        return libipld.decode_dag_cbor(block)
    except (ValueError, RecursionError) as error:
        raise CorruptContent(f"a block is not DAG-CBOR: {error}") from error


def _with_links(value: object, depth: int) -> Value:
    if isinstance(value, bytes):
        return Cid(value) if spells_cid(value) else value
    if isinstance(value, dict):
        _check_depth(depth)
        return {key: _with_links(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        _check_depth(depth)
        return [_with_links(item, depth - 1) for item in value]
    return cast("Value", value)


def _write(out: bytearray, value: Value, depth: int) -> None:
    if isinstance(value, str):
        text = _utf8(value)
        out += _head(_TEXT, len(text))
        out += text
    elif isinstance(value, Cid):
        out += _LINK
        out += value.raw
    elif isinstance(value, Mapping):
        _write_map(out, value, depth)
    elif value is None or isinstance(value, bool):
        out.append(0xF6 if value is None else 0xF4 + value)
    elif isinstance(value, int):
        _write_integer(out, value)
    elif isinstance(value, bytes):
        _write_bytes(out, value)
    elif isinstance(value, (list, tuple)):
        _check_depth(depth)
        out += _head(_LIST, len(value))
        for item in value:
            _write(out, item, depth - 1)
    else:
        raise InvalidRecord(f"a {type(value).__name__} cannot be stored in a record; the data model has no such type")


def _write_map(out: bytearray, value: Mapping[str, Value], depth: int) -> None:
    _check_depth(depth)
    entries = []
    for name, item in value.items():
        if not isinstance(name, str):
            raise InvalidRecord("the keys of a map in a record have to be text")
        key = _utf8(name)
        entries.append((len(key), key, item))
    # By length, then bytes (DAG-CBOR, Strictness); no two keys are the same, so the items are never compared.
    entries.sort()
    out += _head(_MAP, len(entries))
    for length, key, item in entries:
        out += _head(_TEXT, length)
        out += key
        _write(out, item, depth - 1)


def _write_integer(out: bytearray, value: int) -> None:
    if not -(1 << 63) <= value < 1 << 63:
        raise InvalidRecord(f"the integer {value if abs(value) < 1 << 70 else '…'} does not fit in 64 bits with a sign")
    out += _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)


def _write_bytes(out: bytearray, value: bytes) -> None:
    if spells_cid(value):
        # libipld hands out links and byte strings alike: only one of the two can be let through.
        raise InvalidRecord("a byte string spells a CID; a link is expected in its place")
    out += _head(_BYTES, len(value))
    out += value


@lru_cache(maxsize=1024)
def _head(major: int, argument: int) -> bytes:
    """The head of an item, its argument in as few bytes as can be (RFC 8949, section 3)."""
    if argument < 24:
        return bytes((major | argument,))
    for code, width in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << (8 * width):
            return bytes((major | code,)) + argument.to_bytes(width, "big")
    return bytes((major | 27,)) + argument.to_bytes(8, "big")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRecord("text in a record is not Unicode: it holds half of a surrogate pair") from error


def _check_depth(left: int) -> None:
    if left <= 0:
        raise InvalidRecord(f"a record nests more than {MAX_DEPTH} maps and lists")
