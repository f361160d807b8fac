"""CAR files, against libipld's and carbox's readers, and in whatever pieces they come."""

from itertools import pairwise

import libipld
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.atproto.car import MAX_HEADER_BYTES, CarReader, car_bytes, read_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import MAX_BLOCK_BYTES, Value, encode
from roadstead.core.errors import CorruptContent
from tests.rig.referees import carbox_blocks

# Around the sizes at which a varint grows by a byte; a CID has 36.
SIZES = [0, 1, 127 - 36, 128 - 36, 16383 - 36, 16384 - 36, 100_000]
BLOCKS = {Cid.of_blob(content): content for content in (bytes([index]) * size for index, size in enumerate(SIZES))}
ROOT = next(iter(BLOCKS))
CAR = car_bytes(ROOT, BLOCKS)


def test_other_libraries_read_the_same() -> None:
    header, blocks = libipld.decode_car(
        car_bytes(Cid.of_record(b"\xa0"), {Cid.of_record(b"\xa0"): b"\xa0", Cid.of_record(b"\x80"): b"\x80"})
    )
    assert (header["roots"], header["version"]) == ([Cid.of_record(b"\xa0").raw], 1)
    assert blocks == {Cid.of_record(b"\xa0").raw: {}, Cid.of_record(b"\x80").raw: []}
    filled = {cid: block for cid, block in BLOCKS.items() if block}  # carbox reads no block of 0 bytes
    assert carbox_blocks(car_bytes(ROOT, filled)) == ([ROOT.raw], {cid.raw: block for cid, block in filled.items()})


@given(st.lists(st.integers(1, len(CAR)), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    reader = CarReader(max_bytes=len(CAR))
    edges = [0, *sorted(cuts), len(CAR)]
    blocks = [block for first, last in pairwise(edges) for block in reader.feed(CAR[first:last])]
    reader.close()
    assert reader.roots == (ROOT,)
    assert dict(blocks) == BLOCKS


@pytest.mark.parametrize("end", [0, 1, 30, 60, len(CAR) - 1])
def test_one_cut_short_is_refused(end: int) -> None:
    with pytest.raises(CorruptContent, match="short"):
        read_car(CAR[:end])


@given(st.integers(0, len(CAR) - 1), st.integers(1, 255))
def test_one_with_a_changed_byte_is_refused(index: int, bits: int) -> None:
    changed = bytearray(CAR)
    changed[index] ^= bits
    try:
        roots, _ = read_car(bytes(changed))
    except CorruptContent:
        return
    assert roots != (ROOT,)  # the header alone has no hash that guards it


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_or_corrupt(data: bytes) -> None:
    for fed in (data, CAR[:60] + data):
        try:
            read_car(fed)
        except CorruptContent:
            continue


def test_a_larger_file_than_is_wanted_is_refused_before_it_is_held() -> None:
    reader = CarReader(max_bytes=100)
    with pytest.raises(CorruptContent, match="larger"):
        reader.feed(CAR[:101])


def _varint(number: int) -> bytes:
    return bytes([*(number >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)), number >> 28])


@pytest.mark.parametrize(
    "data",
    [
        _varint(MAX_HEADER_BYTES + 1),
        CAR[:59] + _varint(MAX_BLOCK_BYTES + 37),
        b"\xff" * 20,
        b"\x80" * 20,
    ],
    ids=["header", "block", "number", "zero"],
)
def test_a_length_beyond_the_limits_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(CorruptContent):
        CarReader(max_bytes=1 << 40).feed(data)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"version": 2, "roots": [ROOT]},
        {"version": 1, "roots": []},
        {"version": 1, "roots": None},
        {"version": 1, "roots": ["text"]},
        {"version": 1, "roots": [ROOT], "more": 1},
        [],
    ],
    ids=repr,
)
def test_another_header_is_refused(header: Value) -> None:
    block = encode(header)
    with pytest.raises(CorruptContent):
        read_car(bytes([len(block)]) + block)
