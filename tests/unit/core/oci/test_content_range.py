"""Ranges: of chunks that come in, and of blobs that go out."""

import pytest

from roadstead.core.errors import InvalidRange, InvalidUpload, RangeOutOfOrder
from roadstead.core.oci.content_range import ByteRange, check_chunk, requested


def test_a_stream_says_nothing_and_continues() -> None:
    assert check_chunk(None, None, 10) is None
    assert check_chunk(None, 5, 10) is None


def test_a_chunk_has_to_have_as_many_bytes_as_it_says() -> None:
    assert check_chunk("10-14", 5, 10) == 5
    assert check_chunk("10-14", None, 10) == 5
    with pytest.raises(InvalidUpload, match="both have to agree"):
        check_chunk("10-14", 6, 10)


@pytest.mark.parametrize("content_range", ["0-4", "9-14", "11-14"])
def test_a_chunk_that_overlaps_or_skips_is_told_where_to_go_on(content_range: str) -> None:
    with pytest.raises(RangeOutOfOrder) as refused:
        check_chunk(content_range, None, 10)
    assert refused.value.offset == 10


@pytest.mark.parametrize(
    "content_range", ["", "10", "10-", "-4", "14-10", "bytes 10-14", "10-14/20", "a-b", "1" * 19 + "-2"]
)
def test_a_malformed_content_range_is_refused(content_range: str) -> None:
    with pytest.raises(InvalidUpload):
        check_chunk(content_range, None, 10)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=0-99", ByteRange(0, 99)),
        ("bytes=50-", ByteRange(50, 99)),
        ("bytes=-10", ByteRange(90, 99)),
        ("bytes=-1000", ByteRange(0, 99)),
        ("bytes=90-1000", ByteRange(90, 99)),
        ("bytes= 1-2", ByteRange(1, 2)),
    ],
)
def test_a_range_within_the_content(header: str, expected: ByteRange) -> None:
    assert requested(header, 100) == expected


@pytest.mark.parametrize("header", ["", "bytes", "bytes=", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=--1"])
def test_what_is_no_single_range_of_bytes_is_ignored(header: str) -> None:
    assert requested(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=50-10", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte_of_the_content_says_its_size(header: str, size: int) -> None:
    with pytest.raises(InvalidRange) as refused:
        requested(header, size)
    assert refused.value.size_bytes == size
