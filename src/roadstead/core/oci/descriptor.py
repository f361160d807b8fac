"""Content descriptors and platforms (OCI image-spec v1.1, descriptor.md and image-index.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from roadstead.core.oci.digest import Digest

FOREIGN_LAYERS: Final = frozenset(
    {
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    }
)
"""Layers that may not be pushed: their descriptors carry `urls`, and no registry is asked to hold them."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of a piece of content: its type, digest and size."""

    media_type: str
    digest: Digest
    size_bytes: int
    platform: str | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether the content is fetched from elsewhere and never pushed."""
        return self.media_type in FOREIGN_LAYERS
