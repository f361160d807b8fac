"""What a push or a deletion changes: the checks, the records and the rows of the index, as one `Change`.

`prepare` and `index` run inside transactions of the record store; neither waits for anything but SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from roadstead.core.atproto import atcr
from roadstead.core.atproto.aturi import AtUri
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.nsid import Nsid
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.atproto.timestamp import write_timestamp
from roadstead.core.atproto.writes import Write
from roadstead.core.errors import UnknownManifest, UnknownManifestBlob, UnknownName
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import Manifest
from roadstead.core.oci.reference import Tag
from roadstead.index import links, manifests, repositories
from roadstead.index.claims import claim_manifest
from roadstead.index.database import touch
from roadstead.index.manifests import ManifestRow
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.ports import RecordStore


@dataclass(frozen=True, slots=True)
class HoldIdentity:
    """Where records say that blobs are: the hold's DID and its URL."""

    did: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A manifest on its way in, checked by itself, with the tags that it gets."""

    manifest: Manifest
    digest: Digest
    body: bytes
    tags: tuple[Tag, ...]


class Moved(Exception):
    """The repository's records are in the other store by now."""

    def __init__(self, row: RepositoryRow) -> None:
        super().__init__()
        self.row = row


@dataclass(frozen=True, slots=True)
class PutManifest:
    """Adds a manifest to a repository, and points its tags at it.

    Args:
        claim_ms: for how long it is kept without a tag: who pushes it may be about to push an index that names it.
    """

    repository: RepositoryRow
    store: RecordStore
    pushed: Pushed
    row: ManifestRow
    hold: HoldIdentity
    claim_ms: int = 0

    def prepare(self, connection: Connection) -> Sequence[Write]:
        """Checks that all that the manifest names is there; keeps its bytes; gives its records.

        Raises:
            UnknownManifestBlob: something is missing.
            Moved: the repository was published or hidden meanwhile.
        """
        _check_unmoved(connection, self.repository)
        self._check_named(connection)
        manifests.put_body(connection, self.row.sha256, self.pushed.body, self.row.pushed_at_ms)
        return self._writes(connection)

    def index(self, connection: Connection) -> None:
        """Brings the index up to date."""
        manifests.put(connection, self.repository.id, self.row)
        if self.claim_ms:
            claim_manifest(connection, self.repository.id, self.row.digest, self.row.pushed_at_ms + self.claim_ms)
        for tag in self.pushed.tags:
            manifests.put_tag(connection, self.repository.id, tag.name, self.row.digest, self.row.pushed_at_ms)
        touch(connection, self.repository.id)

    def _check_named(self, connection: Connection) -> None:
        manifest = self.pushed.manifest
        blobs = [str(blob.digest) for blob in manifest.blobs]
        children = [str(child.digest) for child in manifest.manifests]
        absent = links.missing(connection, self.repository.id, blobs)
        absent += manifests.missing(connection, self.repository.id, children)
        if absent:
            raise UnknownManifestBlob(
                f"{self.repository.name} lacks {absent[0]}, which the manifest names",
                remedy="push or mount what it names first",
                detail={"digests": absent[:100]},
            )

    def _writes(self, connection: Connection) -> list[Write]:
        path, digest = self.repository.path, self.pushed.digest
        created_at = write_timestamp(self.row.pushed_at_ms)
        get = _getter(self.store, connection, self.repository, atcr.MANIFEST)
        rkey, writes = atcr.manifest_rkey(path, digest, get), []
        if get(rkey) is None:
            cid = Cid.of_blob_digest(Digest("sha256", self.row.sha256))
            value = atcr.manifest_record(
                path,
                digest,
                self.pushed.manifest,
                BlobRef(cid, self.row.media_type, self.row.size_bytes),
                created_at=created_at,
                hold_did=self.hold.did,
                hold_endpoint=self.hold.endpoint,
            )
            writes.append(Write.put(atcr.MANIFEST, rkey, value))
        uri = str(AtUri(Did.parse(self.repository.account_did), Nsid(atcr.MANIFEST), RecordKey(rkey)))
        return writes + self._tag_writes(connection, uri, created_at)

    def _tag_writes(self, connection: Connection, uri: str, created_at: str) -> list[Write]:
        path, digest = self.repository.path, self.pushed.digest
        get = _getter(self.store, connection, self.repository, atcr.TAG)
        writes = []
        for tag in self.pushed.tags:
            rkey = atcr.tag_rkey(path, tag.name, get)
            before = get(rkey)
            if before is None or before.get("manifestDigest") != str(digest):
                value = atcr.tag_record(path, tag.name, digest, uri, created_at=created_at)
                writes.append(Write.put(atcr.TAG, rkey, value))
        return writes


@dataclass(frozen=True, slots=True)
class Removal:
    """Removes a tag alone, or a manifest with its tags.

    Args:
        reference: the tag, or the manifest's digest.
    """

    repository: RepositoryRow
    store: RecordStore
    reference: str
    is_tag: bool

    def prepare(self, connection: Connection) -> Sequence[Write]:
        """Finds the records that go.

        Raises:
            UnknownManifest: there is no such tag or manifest.
            Moved: the repository was published or hidden meanwhile.
        """
        _check_unmoved(connection, self.repository)
        repository_id, path = self.repository.id, self.repository.path
        if self.is_tag:
            found = manifests.tagged(connection, repository_id, self.reference) is not None
            tags, manifest_keys = [self.reference], []
        else:
            found = manifests.stored(connection, repository_id, self.reference) is not None
            tags = manifests.tags_of(connection, repository_id, self.reference)
            get = _getter(self.store, connection, self.repository, atcr.MANIFEST)
            manifest_keys = [atcr.find_manifest(path, Digest.parse(self.reference), get)]
        if not found:
            raise UnknownManifest(f"{self.repository.name} has no manifest {self.reference}")
        get = _getter(self.store, connection, self.repository, atcr.TAG)
        tag_keys = [atcr.find_tag(path, tag, get) for tag in tags]
        return [
            *(Write.discard(atcr.TAG, key) for key in tag_keys if key),
            *(Write.discard(atcr.MANIFEST, key) for key in manifest_keys if key),
        ]

    def index(self, connection: Connection) -> None:
        """Brings the index up to date."""
        remove = manifests.delete_tag if self.is_tag else manifests.delete
        remove(connection, self.repository.id, self.reference)
        touch(connection, self.repository.id)


def _check_unmoved(connection: Connection, expected: RepositoryRow) -> None:
    visibility = repositories.visibility(connection, expected.id)
    if visibility is None:
        raise UnknownName(f"there is no repository {expected.name} any more")
    if visibility != expected.visibility:
        raise Moved(replace(expected, visibility=visibility))


def _getter(
    store: RecordStore, connection: Connection, repository: RepositoryRow, collection: str
) -> Callable[[str], Mapping[str, Any] | None]:
    """Reads each record once, however often its key is tried."""
    return cache(lambda rkey: store.get(connection, repository.account_id, collection, rkey))
