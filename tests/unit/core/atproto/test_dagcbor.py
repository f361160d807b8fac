"""What DAG-CBOR must refuse, and the trap that libipld's writer is."""

import libipld
import pytest

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import MAX_DEPTH, Value, decode, decode_map, encode
from roadstead.core.errors import CorruptContent, InvalidRecord


def _nested(depth: int) -> Value:
    value: Value = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**63,
        -(2**63) - 1,
        "\ud800",
        {1: 2},
        {"\udfff": 1},
        object(),
        Cid.of_record(b"").raw,
        Cid.of_blob(b"").raw,
        _nested(MAX_DEPTH + 1),
    ],
    ids=repr,
)
def test_what_the_data_model_lacks_is_refused(value: object) -> None:
    with pytest.raises(InvalidRecord):
        encode({"value": value} if not isinstance(value, list) else value)  # type: ignore[dict-item]  # the point


def test_nesting_up_to_the_limit_is_read() -> None:
    value = _nested(MAX_DEPTH)
    assert decode(encode(value)) == value


def test_maps_are_ordered_by_length_then_bytes() -> None:
    assert encode({"b": 1, "aa": 2, "a": 3}) == b"\xa3\x61a\x03\x61b\x01\x62aa\x02"


@pytest.mark.parametrize("start", ["01710001ff", "0155000261", "01020300"])
def test_byte_strings_that_libipld_would_make_links_stay_byte_strings(start: str) -> None:
    """One signature in a thousand begins so."""
    value = bytes.fromhex(start).ljust(64, b"\x2a")
    assert libipld.encode_dag_cbor(value)[0] == 0xD8
    assert encode(value)[0] == 0x58
    assert decode(encode({"sig": value})) == {"sig": value}


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x01\x01",
        b"\x18\x01",  # an integer longer than needed
        b"\xa2\x61b\x01\x61a\x01",  # unsorted
        b"\xa2\x61a\x01\x61a\x02",  # twice
        b"\xa1\x01\x01",  # a key that is no text
        b"\x9f\xff",  # of indefinite length
        b"\xf7",  # undefined
        b"\xc1\x01",  # another tag than 42
        b"\xd8\x2a\x58\x22\x00\x12\x20" + bytes(32),  # a link to a CID of version 0
        b"\x58\x24" + Cid.of_record(b"").raw,  # a byte string that spells a CID
        b"\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00",
        b"\xf9\x3e\x00",
        b"\x1b" + b"\xff" * 8,
        b"\x3b" + b"\xff" * 8,
        b"\x61\xff",
        b"\x81" * (MAX_DEPTH + 1) + b"\x01",
        b"\x81" * 100_000 + b"\x01",
    ],
    ids=lambda block: block[:12].hex(),
)
def test_other_bytes_are_corrupt(block: bytes) -> None:
    with pytest.raises(CorruptContent):
        decode(block)


def test_a_large_block_is_not_read() -> None:
    with pytest.raises(CorruptContent, match="too large"):
        decode(encode("a" * 100), max_bytes=100)


def test_a_record_has_to_be_a_map() -> None:
    assert decode_map(encode({"a": 1})) == {"a": 1}
    with pytest.raises(CorruptContent):
        decode_map(encode([1]))
