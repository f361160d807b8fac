"""The records of ATCR that say what a repository holds: `io.atcr.manifest` and `io.atcr.tag`.

Owns their fields and their keys. Written are records that both generations of ATCR can read; read is what either wrote:
a hold as `holdDid` or `holdEndpoint`, a tag's manifest as `manifest` (an at-uri) or `manifestDigest`.

Of several records that want one key (`a/b:c` and `a-b:c`, one digest in two repositories) the fields decide whose it
is: the others have the key, `~`, and the beginning of a hash of what tells them apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from roadstead.core.atproto.dagcbor import Value, encode
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.errors import InvalidDigest, InvalidRecord
from roadstead.core.oci.descriptor import Descriptor
from roadstead.core.oci.digest import HEX_LENGTHS, Digest
from roadstead.core.oci.manifest import Manifest

MANIFEST: Final = "io.atcr.manifest"
TAG: Final = "io.atcr.tag"
REPOSITORY_PAGE: Final = "io.atcr.repo.page"

OF_REPOSITORY: Final = (MANIFEST, TAG, REPOSITORY_PAGE)
"""The collections whose records belong to one repository each, which their field `repository` names (by its path)."""

MAX_RECORD_BYTES: Final = 100_000
"""Above it the parsed lists are left out: `manifestBlob` says the same, and no server has to carry it twice."""

_BASICS_BYTES: Final = 4_000
"""More than all other fields take."""

_SUFFIX_LENGTHS: Final = (8, 16, 32, 64)
"""Eight characters, as specified; more only where somebody else's record already has those eight."""

_KEY_OF_DIGEST: Final = re.compile(r"([0-9a-f]+)(?:~[0-9a-f]+)?")

Get: TypeAlias = Callable[[str], Mapping[str, Any] | None]
"""Gives the record of a key in the collection that is meant, if there is one."""


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """What a record says of a manifest.

    Args:
        repository: the repository's path, without its account.
        blob: the manifest's exact bytes; records without one name content that cannot be had from the PDS.
    """

    repository: str
    digest: Digest
    media_type: str
    created_at: str
    hold_did: str | None
    hold_endpoint: str | None
    blob: BlobRef | None


@dataclass(frozen=True, slots=True)
class TagRecord:
    """What a record says of a tag. `repository` is the path, without its account."""

    repository: str
    tag: str
    digest: Digest
    created_at: str


def manifest_record(
    repository: str,
    digest: Digest,
    manifest: Manifest,
    blob: BlobRef,
    *,
    created_at: str,
    hold_did: str | None = None,
    hold_endpoint: str | None = None,
) -> dict[str, Value]:
    """The record of a manifest.

    Args:
        repository: the repository's path, without its account.
        manifest: what `digest`'s bytes say.
        blob: those bytes as a PDS blob.
        created_at: see `roadstead.core.atproto.timestamp`.
    """
    basics: dict[str, Value] = {
        "$type": MANIFEST,
        "repository": repository,
        "digest": str(digest),
        "mediaType": manifest.media_type,
        "schemaVersion": 2,
        "manifestBlob": blob.value(),
        "createdAt": created_at,
    }
    if hold_did:
        basics["holdDid"] = hold_did
    if hold_endpoint:
        basics["holdEndpoint"] = hold_endpoint
    parsed = _parsed(manifest)
    return basics | parsed if _fits(basics, parsed) else basics


def tag_record(repository: str, tag: str, digest: Digest, manifest_uri: str, *, created_at: str) -> dict[str, Value]:
    """The record of a tag.

    Args:
        manifest_uri: the at-uri of the record of the manifest with this digest.
    """
    return {
        "$type": TAG,
        "repository": repository,
        "tag": tag,
        "manifest": manifest_uri,
        "manifestDigest": str(digest),
        "createdAt": created_at,
    }


def read_manifest_record(value: Mapping[str, Any]) -> ManifestRecord:
    """What a record of either generation says.

    Raises:
        InvalidRecord: a field that is required is missing or wrong.
    """
    blob = value.get("manifestBlob")
    return ManifestRecord(
        repository=_text(value, "repository"),
        digest=_digest(_text(value, "digest")),
        media_type=_text(value, "mediaType"),
        created_at=_text(value, "createdAt"),
        hold_did=_optional_text(value, "holdDid"),
        hold_endpoint=_optional_text(value, "holdEndpoint"),
        blob=BlobRef.parse(blob) if isinstance(blob, Mapping) else None,
    )


def read_tag_record(value: Mapping[str, Any]) -> TagRecord:
    """What a record of either generation says.

    Raises:
        InvalidRecord: a field that is required is missing or wrong, or no manifest is named.
    """
    spelled = _optional_text(value, "manifestDigest")
    return TagRecord(
        repository=_text(value, "repository"),
        tag=_text(value, "tag"),
        digest=_digest(spelled) if spelled else _digest_of_uri(_text(value, "manifest")),
        created_at=_text(value, "createdAt"),
    )


def manifest_keys(repository: str, digest: Digest) -> tuple[str, ...]:
    """The keys that the record of a manifest can have, the best first: two digests never share one."""
    return _candidates(digest.hex, repository)


def tag_keys(repository: str, tag: str) -> tuple[str, ...]:
    """The keys that the record of a tag can have, the best first."""
    return _candidates(f"{repository}_{tag}".replace("/", "-"), f"{repository}:{tag}")


def find_manifest(repository: str, digest: Digest, get: Get) -> str | None:
    """The key of the record of a manifest of a repository, if there is one."""
    return _find(manifest_keys(repository, digest), get, {"repository": repository, "digest": str(digest)})


def find_tag(repository: str, tag: str, get: Get) -> str | None:
    """The key of the record of a tag of a repository, if there is one."""
    return _find(tag_keys(repository, tag), get, {"repository": repository, "tag": tag})


def manifest_rkey(repository: str, digest: Digest, get: Get) -> str:
    """The key under which to write the record of a manifest of a repository."""
    return _choose(manifest_keys(repository, digest), get, {"repository": repository, "digest": str(digest)})


def tag_rkey(repository: str, tag: str, get: Get) -> str:
    """The key under which to write the record of a tag of a repository."""
    return _choose(tag_keys(repository, tag), get, {"repository": repository, "tag": tag})


def _candidates(key: str, distinction: str) -> tuple[str, ...]:
    hashed = hashlib.sha256(distinction.encode()).hexdigest()
    return (key, *(f"{key}~{hashed[:length]}" for length in _SUFFIX_LENGTHS))


def _find(keys: Sequence[str], get: Get, fields: Mapping[str, str]) -> str | None:
    # All before the first free one could be ours; and one more, as the plain key is freed by its owner at any time.
    for index, key in enumerate(keys):
        existing = get(key)
        if existing is not None and _has(existing, fields):
            return key
        if existing is None and index > 0:
            return None
    return None


def _choose(keys: Sequence[str], get: Get, fields: Mapping[str, str]) -> str:
    found = _find(keys, get, fields)
    if found is not None:
        return found
    for key in keys:
        if get(key) is None:
            return key
    raise InvalidRecord(f"every key for this record is taken by another one, {keys[0]!r} first")


def _has(value: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    return all(value.get(name) == expected for name, expected in fields.items())


def _parsed(manifest: Manifest) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if manifest.config:
        found["config"] = _descriptor(manifest.config)
    if manifest.is_index:
        found["manifests"] = [_descriptor(child) for child in manifest.manifests]
    else:
        found["layers"] = [_descriptor(layer) for layer in manifest.layers]
    if manifest.subject:
        found["subject"] = _descriptor(manifest.subject)
    if manifest.annotations:
        found["annotations"] = _annotations(manifest.annotations)
    return found


def _descriptor(descriptor: Descriptor) -> dict[str, Value]:
    found: dict[str, Value] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size_bytes,
    }
    if descriptor.annotations:
        found["annotations"] = _annotations(descriptor.annotations)
    if descriptor.platform:
        found["platform"] = dict(zip(("os", "architecture", "variant"), descriptor.platform.split("/"), strict=False))
    return found


def _annotations(annotations: Mapping[str, str]) -> dict[str, Value]:
    """Without the keys that the AT Protocol data model reserves (`$type`, `$link`): they would change what is read."""
    return {key: text for key, text in annotations.items() if not key.startswith("$")}


def _fits(basics: Mapping[str, Value], parsed: Mapping[str, Value]) -> bool:
    """Whether a record of both can be stored (JSON can spell text that is not Unicode) and is not too large."""
    try:
        # A twentieth of the work of `encode`; DAG-CBOR never takes twice the bytes of MessagePack.
        if 2 * len(msgspec.msgpack.encode(parsed)) < MAX_RECORD_BYTES - _BASICS_BYTES:
            return True
        return len(encode({**basics, **parsed})) <= MAX_RECORD_BYTES
    except (UnicodeEncodeError, InvalidRecord):
        return False


def _digest_of_uri(uri: str) -> Digest:
    """The digest that a manifest's record key spells, in either of its forms."""
    match = _KEY_OF_DIGEST.fullmatch(uri.rpartition("/")[2])
    hexes = match[1] if match else ""
    for algorithm, length in HEX_LENGTHS.items():
        if len(hexes) == length:
            return Digest(algorithm, hexes)
    raise InvalidRecord(f"the field `manifest` names no manifest by its digest: {uri[:160]!r}")


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise InvalidRecord(f"a record names a manifest badly: {error.message}") from error


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise InvalidRecord(f"a record of its type needs the text field `{name}`")
    return found


def _optional_text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None
