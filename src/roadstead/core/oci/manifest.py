"""Manifests: images, indexes and artifacts, OCI and docker schema 2 (OCI image-spec v1.1, manifest.md, image-index.md).

`parse` turns the bytes of a manifest into what the registry has to know of it. The bytes themselves are kept as they
came: nothing here writes a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from roadstead.core.errors import InvalidDigest, InvalidManifest
from roadstead.core.oci.descriptor import Descriptor
from roadstead.core.oci.digest import Digest

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"

IMAGES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
SUPPORTED: Final = IMAGES | INDEXES

MAX_DEPTH: Final = 32
"""How deeply a manifest may nest; the deepest that the specification defines is 5."""

MAX_DESCRIPTORS: Final = 10_000
"""How many layers or children a manifest may name."""

MAX_BYTES: Final = 2**63 - 1
"""How large a blob can be said to be, and all of a manifest together: what SQL can count."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the registry knows of a manifest.

    Args:
        media_type: one of `SUPPORTED`.
        artifact_type: the field, else the config's media type for an image (distribution-spec, Listing referrers).
        manifests: an index's children.
    """

    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str] | None

    @property
    def is_index(self) -> bool:
        """Whether it names manifests in place of a config and layers."""
        return self.media_type in INDEXES

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs that a registry has to hold for it: config and layers, foreign ones left out."""
        named = (self.config, *self.layers) if self.config else self.layers
        return tuple(blob for blob in named if not blob.is_foreign)

    @property
    def total_bytes(self) -> int:
        """The bytes of its blobs together."""
        return sum(blob.size_bytes for blob in self.blobs)


class _Platform(msgspec.Struct):
    os: str
    architecture: str
    variant: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    media_type: str
    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_BYTES)]
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None
    platform: _Platform | None = None


class _Manifest(msgspec.Struct, rename="camel"):
    schema_version: int
    media_type: str | None = None
    artifact_type: str | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None
    subject: _Descriptor | None = None
    annotations: dict[str, str] | None = None


def parse(body: bytes, content_type: str | None) -> Manifest:
    """The manifest in `body`.

    Args:
        body: at most a few MiB; the caller has bounded it.
        content_type: the media type without parameters that it was sent or stored with; `None` where nobody said.

    Raises:
        InvalidManifest: no JSON, duplicate keys, too deep, of a type that is not supported, or not of its type's form.
    """
    fields = _load(body)
    try:
        wire = msgspec.convert(fields, _Manifest)
    except msgspec.ValidationError as error:
        raise InvalidManifest(f"the manifest is not of the form of the OCI image specification: {error}") from error
    media_type = _media_type(wire, content_type)
    _check_form(wire, media_type)
    try:
        manifest = _manifest(wire, media_type)
    except InvalidDigest as error:
        raise InvalidManifest(f"the manifest names content badly: {error.message}") from error
    _check_storable(manifest)
    return manifest


def _load(body: bytes) -> Any:
    try:
        fields = json.loads(body.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(f"the manifest is not JSON: {error}") from error
    _check_depth(fields)
    return fields


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Duplicate keys are refused: two readers could each see another manifest behind one digest (CVE-2021-41190)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidManifest("the manifest has duplicate keys; each key may stand once in an object")
    return found


def _check_depth(fields: Any) -> None:
    level = [fields]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise InvalidManifest(f"the manifest nests more than {MAX_DEPTH} levels deep")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _media_type(wire: _Manifest, content_type: str | None) -> str:
    said = wire.media_type or content_type
    if said is None:
        said = OCI_INDEX if wire.manifests is not None else OCI_MANIFEST
    if content_type is not None and wire.media_type not in (None, content_type):
        raise InvalidManifest(
            f"the manifest says that it is {wire.media_type!r}, but was sent as {content_type!r}; both have to agree"
        )
    if said not in SUPPORTED:
        raise InvalidManifest(
            f"media type {said[:120]!r} is not supported; expected one of {', '.join(sorted(SUPPORTED))}"
        )
    return said


def _check_form(wire: _Manifest, media_type: str) -> None:
    if wire.schema_version != 2:
        raise InvalidManifest(f"schemaVersion is {wire.schema_version}; expected 2")
    if media_type in INDEXES:
        if wire.manifests is None or wire.layers or wire.config:
            raise InvalidManifest("an index has to have manifests, and neither config nor layers (CVE-2021-41190)")
    elif wire.config is None or wire.layers is None or wire.manifests:
        raise InvalidManifest("an image manifest has to have config and layers, and no manifests (CVE-2021-41190)")
    if max(len(wire.layers or ()), len(wire.manifests or ())) > MAX_DESCRIPTORS:
        raise InvalidManifest(f"the manifest names more than {MAX_DESCRIPTORS} descriptors")


def _check_storable(manifest: Manifest) -> None:
    """JSON can spell numbers and texts that no database keeps; annotations are kept as JSON."""
    if manifest.total_bytes > MAX_BYTES:
        raise InvalidManifest(f"the manifest names more than {MAX_BYTES} bytes")
    if not (manifest.artifact_type or "-").isprintable():
        raise InvalidManifest("the manifest's artifact type (or its config's media type) has control characters")


def _manifest(wire: _Manifest, media_type: str) -> Manifest:
    config = _descriptor(wire.config) if wire.config else None
    fallback = config.media_type if config and media_type in IMAGES else None
    return Manifest(
        media_type=media_type,
        config=config,
        layers=tuple(_descriptor(layer) for layer in wire.layers or ()),
        manifests=tuple(_descriptor(child) for child in wire.manifests or ()),
        subject=_descriptor(wire.subject) if wire.subject else None,
        artifact_type=wire.artifact_type or fallback,
        annotations=wire.annotations,
    )


def _descriptor(wire: _Descriptor) -> Descriptor:
    platform = wire.platform
    spelled = "/".join(filter(None, (platform.os, platform.architecture, platform.variant))) if platform else None
    return Descriptor(
        media_type=wire.media_type,
        digest=Digest.parse(wire.digest),
        size_bytes=wire.size,
        platform=spelled,
        artifact_type=wire.artifact_type,
        annotations=wire.annotations,
    )
