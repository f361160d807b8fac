"""Ranges of bytes: of a chunk on its way in, and of a blob on its way out.

The two spell alike and mean different things: an upload's `Content-Range` is `first-last` without a unit
(OCI distribution-spec, Pushing a blob in chunks), a download's `Range` is HTTP's (RFC 9110, 14.1.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import InvalidRange, InvalidUpload, RangeOutOfOrder

_CHUNK: Final = re.compile(r"(\d{1,18})-(\d{1,18})")
_RANGE: Final = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes it spans."""
        return self.last - self.first + 1


def check_chunk(content_range: str | None, content_length: int | None, offset: int) -> int | None:
    """How many bytes a chunk has to have that continues an upload of `offset` bytes; `None` where it does not say.

    Args:
        content_range: the `Content-Range` header; without one the body is a stream that goes on where the session ends.
        content_length: the `Content-Length` header, where there is one.

    Raises:
        InvalidUpload: malformed, or the two headers contradict each other.
        RangeOutOfOrder: it starts elsewhere.
    """
    if content_range is None:
        return None
    match = _CHUNK.fullmatch(content_range)
    if match is None or int(match[2]) < int(match[1]):
        raise InvalidUpload(f"Content-Range {content_range[:80]!r} is malformed; expected FIRST-LAST, such as 0-1023")
    first, last = int(match[1]), int(match[2])
    if first != offset:
        raise RangeOutOfOrder(f"the chunk starts at byte {first}; this upload holds {offset} bytes", offset=offset)
    if content_length is not None and content_length != last - first + 1:
        raise InvalidUpload(
            f"Content-Range spans {last - first + 1} bytes, but Content-Length is {content_length}; both have to agree"
        )
    return last - first + 1


def requested(range_header: str, size_bytes: int) -> ByteRange | None:
    """What a `Range` header asks of content of this size; `None` where it is to be ignored and all is sent.

    A header in another unit, of several ranges or malformed is ignored, as RFC 9110 (14.2) allows.

    Raises:
        InvalidRange: no byte of the content is in it.
    """
    match = _RANGE.fullmatch(range_header.strip().replace(" ", ""))
    if match is None:
        return None
    first_text, last_text, suffix_text = match.groups()
    if suffix_text is not None:
        first, last = max(0, size_bytes - int(suffix_text)), size_bytes - 1
    else:
        first, last = int(first_text), min(int(last_text or size_bytes), size_bytes - 1)
    if first > last:
        raise InvalidRange(
            f"range {range_header[:80]!r} is outside of the {size_bytes} bytes there are", size_bytes=size_bytes
        )
    return ByteRange(first, last)
