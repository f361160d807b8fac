"""Content that the cases push, the same bytes every time, so that a failing case can be read."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

ABSENT = "sha256:" + "0" * 63 + "1"
"""A well-formed digest of nothing."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that are named by their digest."""

    data: bytes
    media_type: str = OCI_LAYER
    algorithm: str = "sha256"

    @property
    def digest(self) -> str:
        return f"{self.algorithm}:{hashlib.new(self.algorithm, self.data).hexdigest()}"

    @property
    def size(self) -> int:
        return len(self.data)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **more}


@dataclass(frozen=True, slots=True)
class Blob(Content):
    """A layer or a config."""


@dataclass(frozen=True, slots=True)
class Manifest(Content):
    """A manifest, and what a registry has to have before it."""

    needs: tuple[Content, ...] = ()

    def closure(self) -> Iterator[Content]:
        """All that has to be pushed, in an order in which it can be; itself last."""
        for needed in self.needs:
            if isinstance(needed, Manifest):
                yield from needed.closure()
            else:
                yield needed
        yield self


def noise(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def as_json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, indent=1).encode()


CONFIG = Blob(
    as_json({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}), OCI_CONFIG
)
EMPTY = Blob(b"{}", OCI_EMPTY)
LAYER = Blob(noise(4096))
LONG = Blob(noise(300_000, seed=2))
NOTHING = Blob(b"")
LAYER512 = Blob(noise(2000, seed=3), algorithm="sha512")


def image(
    *layers: Blob,
    config: Blob = CONFIG,
    media_type: str = OCI_MANIFEST,
    algorithm: str = "sha256",
    **more: Any,
) -> Manifest:
    """An image of the layers; `more` are further fields, such as `annotations` or `subject`."""
    fields = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        **more,
    }
    return Manifest(as_json(fields), media_type, algorithm, needs=(config, *layers))


def index(*children: Manifest, media_type: str = OCI_INDEX, algorithm: str = "sha256", **more: Any) -> Manifest:
    """An index of the children."""
    fields = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [child.descriptor(platform={"os": "linux", "architecture": "amd64"}) for child in children],
        **more,
    }
    return Manifest(as_json(fields), media_type, algorithm, needs=children)


def artifact(artifact_type: str, subject: Manifest | None = None, **more: Any) -> Manifest:
    """An artifact without a payload, which may be about a subject."""
    about: dict[str, Any] = {"subject": subject.descriptor()} if subject else {}
    return image(EMPTY, config=EMPTY, artifactType=artifact_type, **about, **more)


IMAGE = image(LAYER)
INDEX = index(IMAGE)
