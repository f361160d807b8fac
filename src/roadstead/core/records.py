"""Writes to AT Protocol records (atproto.com/specs/repository), as data.

Owns what a change of records is; who stores records implements `roadstead.registry.ports.RecordStore`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from roadstead.core.dagcbor import encode

BATCH_RECORDS: Final = 100
BATCH_BYTES: Final = 1_000_000
"""How much of many records is written by one commit: well below its limits (AT Protocol sync specification)."""

Named: TypeAlias = tuple[str, Mapping[str, Any]]
"""A record with its key."""


@dataclass(frozen=True, slots=True)
class BlobReference:
    """A PDS blob that a record names: its CID is CIDv1, raw, sha2-256 of these bytes.

    Args:
        sha256: lower-case hex of the blob's SHA-256.
    """

    sha256: str
    mime_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """Puts (creates or replaces) one record, or deletes it.

    Args:
        value: the record with its `$type`, in DAG-CBOR's data model (`Cid` for links, `bytes` for bytes);
            `None` deletes.
        blobs: the blobs that the value names.
    """

    collection: str
    rkey: str
    value: Mapping[str, Any] | None
    blobs: tuple[BlobReference, ...] = ()


def batches(records: Iterable[Named]) -> Iterator[list[Named]]:
    """Records, as many together as one commit can write. They are taken one at a time."""
    batch: list[Named] = []
    size_bytes = 0
    for rkey, value in records:
        length = len(encode(value))
        if batch and (len(batch) == BATCH_RECORDS or size_bytes + length > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append((rkey, value))
        size_bytes += length
    if batch:
        yield batch
