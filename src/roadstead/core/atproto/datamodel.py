"""The JSON form of the AT Protocol data model (AT Protocol data model, sections JSON Representation, Blob Type).

Owns both directions between JSON values and the values of `roadstead.core.atproto.dagcbor`, and the blob references in
them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from roadstead.core.atproto.cid import RAW, Cid
from roadstead.core.atproto.dagcbor import MAX_DEPTH, Value
from roadstead.core.errors import InvalidRecord

BLOB_TYPE: Final = "blob"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A record's reference to a blob, which keeps the blob alive."""

    cid: Cid
    mime_type: str
    size_bytes: int

    @classmethod
    def parse(cls, value: Mapping[str, Value]) -> BlobRef:
        """The reference that a map with `$type: blob` holds.

        Raises:
            InvalidRecord: a field is missing or wrong.
        """
        ref, mime_type, size = value.get("ref"), value.get("mimeType"), value.get("size")
        if not isinstance(ref, Cid) or ref.codec != RAW:
            raise InvalidRecord("a blob reference needs `ref`: a link to raw content (bafkrei…)")
        if not isinstance(mime_type, str) or not mime_type:
            raise InvalidRecord("a blob reference needs `mimeType`")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise InvalidRecord("a blob reference needs `size`, in bytes")
        return cls(ref, mime_type, size)

    def value(self) -> dict[str, Value]:
        """The map that stands for this reference in a record."""
        return {"$type": BLOB_TYPE, "ref": self.cid, "mimeType": self.mime_type, "size": self.size_bytes}


def blob_refs(value: Value) -> Iterator[BlobRef]:
    """Every blob reference in `value`, in the order of its fields.

    Raises:
        InvalidRecord: a malformed reference.
    """
    if isinstance(value, Mapping):
        if value.get("$type") == BLOB_TYPE:
            yield BlobRef.parse(value)
            return
        for item in value.values():
            yield from blob_refs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from blob_refs(item)


def to_json(value: Value) -> object:
    """What to give a JSON encoder for `value`: links as `{"$link": …}`, byte strings as `{"$bytes": …}`."""
    if isinstance(value, Cid):
        return {"$link": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode().rstrip("=")}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(value: object, *, depth: int = MAX_DEPTH) -> Value:
    """The value that decoded JSON stands for.

    Raises:
        InvalidRecord: a number with a fraction, a malformed `$link`, `$bytes`, `$type` or blob, or nesting beyond
            `depth` maps and lists.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if depth <= 0:
        raise InvalidRecord("a record nests too many maps and lists")
    if isinstance(value, list):
        return [from_json(item, depth=depth - 1) for item in value]
    if isinstance(value, dict):
        return _map_from_json(value, depth)
    if isinstance(value, float):
        return _from_float(value)
    raise InvalidRecord(f"a record cannot hold a {type(value).__name__}")


def record_from_json(value: object) -> dict[str, Value]:
    """`from_json` for what has to be a record: a map.

    Raises:
        InvalidRecord: as `from_json`, or it is no map.
    """
    record = from_json(value)
    if not isinstance(record, dict):
        raise InvalidRecord("a record has to be a JSON object")
    return record


def _map_from_json(value: Mapping[str, object], depth: int) -> Value:
    if "$link" in value:
        return Cid.parse(_only_text(value, "$link"))
    if "$bytes" in value:
        return _from_base64(_only_text(value, "$bytes"))
    result = {key: from_json(item, depth=depth - 1) for key, item in value.items()}
    kind = result.get("$type", BLOB_TYPE)
    if not isinstance(kind, str) or not kind:
        raise InvalidRecord("`$type` has to be text that is not empty")
    if result.get("$type") == BLOB_TYPE:
        BlobRef.parse(result)
    return result


def _from_float(value: float) -> int:
    # JSON knows no integers: some encoders write 1 as 1.0. Beyond 53 bits it might have been another integer.
    if abs(value) > 2**53 or not value.is_integer():
        raise InvalidRecord("a record cannot hold a number with a fraction; use an integer or text")
    return int(value)


def _only_text(value: Mapping[str, object], key: str) -> str:
    text = value[key]
    if len(value) != 1 or not isinstance(text, str):
        raise InvalidRecord(f"`{key}` has to be the one key of its object, with text as its value")
    return text


def _from_base64(text: str) -> bytes:
    stripped = text.rstrip("=")
    try:
        return base64.b64decode(stripped + "=" * (-len(stripped) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRecord("`$bytes` is not base64 (RFC 4648, section 4)") from error
