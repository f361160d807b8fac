"""Writes to AT Protocol records (atproto.com/specs/repository), as data.

Owns what a change of records is; who stores records implements `roadstead.registry.ports.RecordStore`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
