"""DAG-CBOR: round trips, agreement with foreign codecs, and one declared error for any bytes."""

from typing import Any

import dag_cbor
import libipld
from hypothesis import example, given
from hypothesis import strategies as st
from multiformats import CID

from roadstead.core.atproto import datamodel
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, decode, encode
from roadstead.core.errors import CorruptContent, InvalidRecord
from tests.property.strategies import values


def _foreign(value: Value) -> Any:
    """`value` for dag_cbor, whose links are `multiformats.CID`."""
    if isinstance(value, Cid):
        return CID.decode(value.raw)
    if isinstance(value, dict):
        return {key: _foreign(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_foreign(item) for item in value]
    return value


def _flip(value: Value, index: int, bits: int) -> bytes:
    block = bytearray(encode(value))
    block[index % len(block)] ^= bits
    return bytes(block)


@given(values)
def test_what_is_written_is_read_again(value: Value) -> None:
    assert decode(encode(value)) == value


@given(values)
def test_the_bytes_are_those_of_another_implementation(value: Value) -> None:
    assert encode(value) == dag_cbor.encode(_foreign(value))


@given(values)
def test_json_carries_every_value_but_a_map_that_looks_like_its_notation(value: Value) -> None:
    try:
        again = datamodel.from_json(datamodel.to_json(value))
    except InvalidRecord:
        return  # a key `$type`, `$link` or `$bytes` that stands for something else
    assert again == value


@given(st.one_of(st.binary(max_size=80), st.builds(_flip, values, st.integers(0, 500), st.integers(0, 255))))
@example(b"\x18\x01")
@example(b"\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00")
@example(b"\x81" * 5000 + b"\x01")
@example(b"\x9b" + b"\xff" * 8)
@example(b"\x3b" + b"\xff" * 8)
@example(libipld.encode_dag_cbor(b"\x01\x02\x12\x20" + bytes(32)))
def test_any_bytes_are_a_value_in_its_one_form_or_corrupt(block: bytes) -> None:
    try:
        value = decode(block)
    except CorruptContent:
        return
    assert encode(value) == block
