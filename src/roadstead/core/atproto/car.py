"""CAR files, version 1: a header that names roots, then blocks, each with its CID (CARv1 specification).

Owns the writer, which streams, and the reader, to which bytes are fed as they come. Where the bytes come from or go
to is not handled here, nor what the blocks mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from roadstead.core.atproto.cid import DAG_CBOR, LENGTH_BYTES, Cid, spells_cid
from roadstead.core.atproto.dagcbor import MAX_BLOCK_BYTES, decode_map, encode
from roadstead.core.errors import CorruptContent

MEDIA_TYPE: Final = "application/vnd.ipld.car"

MAX_HEADER_BYTES: Final = 4096
_MAX_VARINT_BYTES: Final = 9
"""The most that the multiformats' unsigned varint allows."""


def write_car(root: Cid, blocks: Iterable[tuple[Cid, bytes]]) -> Iterator[bytes]:
    """The file with one root, a piece per block."""
    header = encode({"version": 1, "roots": [root]})
    yield _varint(len(header)) + header
    for cid, block in blocks:
        yield _varint(LENGTH_BYTES + len(block)) + cid.raw + block


def car_bytes(root: Cid, blocks: Mapping[Cid, bytes]) -> bytes:
    """The whole file, for one that is known to be small: a proof, a commit's difference."""
    return b"".join(write_car(root, blocks.items()))


def car_size_bytes(root: Cid, blocks: Mapping[Cid, bytes]) -> int:
    """How large `car_bytes` is."""
    return sum(map(len, write_car(root, blocks.items())))


class CarReader:
    """Bytes in, verified blocks out.

    Holds no more than one section and the bytes fed last. Every block is checked against its CID.

    Args:
        max_bytes: the largest file that is read.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.roots: tuple[Cid, ...] | None = None
        """Known once the header has been fed."""
        self._left = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[Cid, bytes]]:
        """The blocks that `data` completes.

        Raises:
            CorruptContent: malformed, a block that is not its CID's, or beyond a limit.
        """
        self._left -= len(data)
        if self._left < 0:
            raise CorruptContent("a CAR file is larger than this server reads")
        self._buffer += data
        blocks = []
        start = 0
        while (section := self._section(start)) is not None:
            first, start = section
            if self.roots is None:
                self.roots = _roots(bytes(self._buffer[first:start]))
            else:
                blocks.append(_block(bytes(self._buffer[first:start])))
        del self._buffer[:start]
        return blocks

    def close(self) -> None:
        """
        Raises:
            CorruptContent: the file ends in the middle of something.
        """
        if self._buffer or self.roots is None:
            raise CorruptContent("a CAR file is cut short")

    def _section(self, start: int) -> tuple[int, int] | None:
        """Where the next section's content begins and ends; `None` while it is not all here."""
        limit = MAX_HEADER_BYTES if self.roots is None else LENGTH_BYTES + MAX_BLOCK_BYTES
        length = 0
        for index, byte in enumerate(self._buffer[start : start + _MAX_VARINT_BYTES]):
            length |= (byte & 0x7F) << 7 * index
            if length > limit:
                raise CorruptContent(f"a section of a CAR file is larger than {limit} bytes")
            if byte < 0x80:
                first = start + index + 1
                return (first, first + length) if first + length <= len(self._buffer) else None
        if len(self._buffer) >= start + _MAX_VARINT_BYTES:
            raise CorruptContent("a length in a CAR file is malformed")
        return None


def read_car(data: bytes) -> tuple[tuple[Cid, ...], dict[Cid, bytes]]:
    """The roots and blocks of a whole file in memory.

    Raises:
        CorruptContent: as `CarReader`.
    """
    reader = CarReader(max_bytes=len(data))
    blocks = dict(reader.feed(data))
    reader.close()
    return reader.roots or (), blocks


def _roots(header: bytes) -> tuple[Cid, ...]:
    fields = decode_map(header)
    roots = fields.get("roots")
    if fields.keys() != {"version", "roots"} or fields["version"] != 1 or not isinstance(roots, list) or not roots:
        raise CorruptContent("a CAR file's header has to name version 1 and its roots")
    cids = tuple(root for root in roots if isinstance(root, Cid))
    if len(cids) != len(roots):
        raise CorruptContent("a CAR file's roots have to be links")
    return cids


def _block(section: bytes) -> tuple[Cid, bytes]:
    raw, block = section[:LENGTH_BYTES], section[LENGTH_BYTES:]
    if not spells_cid(raw):
        raise CorruptContent("a block of a CAR file does not begin with a CID of a record or blob")
    cid = Cid(raw)
    if not cid.matches(block):
        kind = "block" if cid.codec == DAG_CBOR else "blob"
        raise CorruptContent(f"a {kind} of a CAR file is not the content of {cid}")
    return cid, block


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
