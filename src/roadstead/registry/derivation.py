"""Rows of the index from records: what a record says, and the bytes that it names, once more checked.

Records are what an account's owner liked to write. One that makes no sense makes no row, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from roadstead.core.atproto import atcr
from roadstead.core.atproto.timestamp import read_timestamp
from roadstead.core.errors import CorruptContent, UnknownManifest
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import Manifest, parse
from roadstead.core.oci.reference import Tag
from roadstead.index import manifests
from roadstead.index.manifests import ManifestRow
from roadstead.registry.ports import RecordStore


@dataclass(frozen=True, slots=True)
class RecordedManifest:
    """A manifest that a record names. `path` is the repository's, without its account."""

    path: str
    digest: Digest
    manifest: Manifest
    body: bytes
    pushed_at_ms: int

    def row(self, platform: str | None) -> ManifestRow:
        """Its row."""
        return ManifestRow.of(self.manifest, self.digest, self.body, platform, self.pushed_at_ms)


@dataclass(frozen=True, slots=True)
class RecordedTag:
    """A tag that a record names. `path` is the repository's, without its account."""

    path: str
    tag: str
    digest: Digest
    updated_at_ms: int


def manifest_of(connection: Connection, value: Mapping[str, Any]) -> RecordedManifest:
    """What a record of `io.atcr.manifest` says.

    Raises:
        InvalidRecord, InvalidManifest: it makes no sense.
        UnknownManifest: the bytes that it names are not here.
        CorruptContent: they do not have the digest.
    """
    record = atcr.read_manifest_record(value)
    body = manifests.body(connection, record.blob.cid.digest.hex) if record.blob else None
    if body is None:
        raise UnknownManifest(f"the bytes of manifest {record.digest} are not here")
    if Digest.of(body, record.digest.algorithm) != record.digest:
        raise CorruptContent(f"the bytes that are kept for manifest {record.digest} have another digest")
    manifest = parse(body, record.media_type)
    return RecordedManifest(record.repository, record.digest, manifest, body, read_timestamp(record.created_at))


def tag_of(value: Mapping[str, Any]) -> RecordedTag:
    """What a record of `io.atcr.tag` says.

    Raises:
        InvalidRecord, InvalidName: it makes no sense.
    """
    record = atcr.read_tag_record(value)
    tag = Tag.parse(record.tag)
    return RecordedTag(record.repository, tag.name, record.digest, read_timestamp(record.created_at))


def canonical_manifest(
    store: RecordStore, connection: Connection, account_id: int, path: str, digest: Digest
) -> Mapping[str, Any] | None:
    """The record that speaks for a manifest of a repository; others that name it too are not looked at."""

    def get(rkey: str) -> Mapping[str, Any] | None:
        return store.get(connection, account_id, atcr.MANIFEST, rkey)

    rkey = atcr.find_manifest(path, digest, get)
    return get(rkey) if rkey else None


def canonical_tag(
    store: RecordStore, connection: Connection, account_id: int, path: str, tag: str
) -> Mapping[str, Any] | None:
    """The record that speaks for a tag of a repository; others that name it too are not looked at."""

    def get(rkey: str) -> Mapping[str, Any] | None:
        return store.get(connection, account_id, atcr.TAG, rkey)

    rkey = atcr.find_tag(path, tag, get)
    return get(rkey) if rkey else None
