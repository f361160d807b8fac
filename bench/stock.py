"""What lies in a registry before anything is measured: a large blob, small ones, an image, and a hundred tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.content import OCI_MANIFEST, LargeBlob, digest_of, new_manifest, new_small
from bench.servers import REPOSITORY, Contender
from bench.wire import Body, Wire

TAGS: Final = 100


@dataclass(frozen=True, slots=True)
class Stock:
    """Digests of what lies there; `config` and `layer` are the two blobs that manifests may name."""

    large: str
    small: str
    config: bytes
    layer: bytes
    manifest: str

    @classmethod
    def put(cls, contender: Contender, large: LargeBlob) -> Stock:
        wire = Wire(contender.port, contender.token())
        config, layer = new_small(), new_small()
        for body, digest in ((large.part, large.digest), (config, digest_of(config)), (layer, digest_of(layer))):
            push_blob(wire, body, digest)
        manifest = new_manifest(config, layer)
        for number in range(TAGS):
            push_manifest(wire, manifest, f"tag{number:03}")
        wire.close()
        return cls(large.digest, digest_of(layer), config, layer, digest_of(manifest))


def push_blob(wire: Wire, body: Body, digest: str) -> None:
    """POST, then PUT."""
    location = wire.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", 202).location
    joined = f"{location}{'&' if '?' in location else '?'}digest={digest}"
    wire.request("PUT", joined, 201, body, {"Content-Type": "application/octet-stream"})


def push_manifest(wire: Wire, manifest: bytes, reference: str) -> None:
    wire.request("PUT", f"/v2/{REPOSITORY}/manifests/{reference}", 201, manifest, {"Content-Type": OCI_MANIFEST})
