"""OCI image layouts (image-spec, image-layout.md), made without a network: folders that clients read as images."""

import gzip
import hashlib
import io
import json
import os
import random
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

_PIECE_BYTES = 1024 * 1024
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of a blob."""

    media_type: str
    digest: str
    size_bytes: int
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> Json:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size_bytes, **self.more}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's blob, and the digest of the tar that it unpacks to."""

    descriptor: Descriptor
    diff_id: str


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Layout:
    """A layout folder that grows by blobs and tags."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tagged: list[Descriptor] = []
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    @property
    def digest(self) -> str:
        """The digest of the image that was tagged first."""
        return digest_in(self.folder)

    def blob(self, content: bytes, media_type: str, **more: Any) -> Descriptor:
        digest = sha256(content)
        self.path_of(digest).write_bytes(content)
        return Descriptor(media_type, digest, len(content), more)

    def path_of(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def document(self, content: Json, **more: Any) -> Descriptor:
        """A manifest or index: a blob of JSON that names its own media type."""
        return self.blob(json.dumps(content, indent=2).encode(), content["mediaType"], **more)

    def tag(self, descriptor: Descriptor, name: str) -> Descriptor:
        """Name it in `index.json`, where `oci:FOLDER:NAME` finds it."""
        named = {**descriptor.more, "annotations": {"org.opencontainers.image.ref.name": name}}
        self._tagged.append(Descriptor(descriptor.media_type, descriptor.digest, descriptor.size_bytes, named))
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [one.as_json() for one in self._tagged]}
        (self.folder / "index.json").write_text(json.dumps(index))
        return descriptor

    def tar_layer(self, tar: bytes, *, compression: str = "gzip", docker: bool = False) -> Layer:
        """A layer of the tar, as it is (`""`), or compressed by `gzip` or `zstd`."""
        pack: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": _gzip, "zstd": zstd_frame}
        packed = pack[compression](tar)
        if docker:
            media_type = f"{DOCKER_LAYER}.{compression}" if compression else DOCKER_LAYER
        else:
            media_type = f"{OCI_LAYER}+{compression}" if compression else OCI_LAYER
        return Layer(self.blob(packed, media_type), sha256(tar))

    def random_layer(self, size_bytes: int) -> Layer:
        """An uncompressed layer with one file of random bytes, written a piece at a time."""
        hashed = hashlib.sha256()
        growing = self.folder / "growing"
        with growing.open("wb") as file:
            for piece in _tar_of_random_bytes(size_bytes):
                hashed.update(piece)
                file.write(piece)
            written = file.tell()
        digest = f"sha256:{hashed.hexdigest()}"
        growing.rename(self.path_of(digest))
        return Layer(Descriptor(OCI_LAYER, digest, written), digest)

    def image(
        self,
        layers: Sequence[Layer],
        *,
        architecture: str = "amd64",
        run: Mapping[str, Any] | None = None,
        docker: bool = False,
        **more: Any,
    ) -> Descriptor:
        """An image of the layers.

        Args:
            layers: bottom first.
            architecture: the platform is `linux/` and this.
            run: the config's `config`, such as `{"Cmd": ["/bin/sh"]}`.
            docker: Docker's manifest v2, schema 2, instead of OCI's.
            more: further fields of the manifest, such as `annotations`.
        """
        config = {
            "created": "2026-01-01T00:00:00Z",
            "architecture": architecture,
            "os": "linux",
            "config": run or {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "tests"} for _ in layers],
        }
        described = self.blob(json.dumps(config).encode(), DOCKER_CONFIG if docker else OCI_CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
            "config": described.as_json(),
            "layers": [layer.descriptor.as_json() for layer in layers],
            **more,
        }
        return self.document(manifest, platform={"architecture": architecture, "os": "linux"})

    def index(self, manifests: Iterable[Descriptor], **more: Any) -> Descriptor:
        """A multi-platform index of the images."""
        listed = [manifest.as_json() for manifest in manifests]
        return self.document({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed, **more})


def digest_in(folder: Path) -> str:
    """The digest of the image that a layout's index has first, whoever wrote it."""
    digest: str = json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]
    return digest


def tar_of(files: Mapping[str, bytes | str]) -> bytes:
    """A tar of regular, executable files (bytes) and symbolic links (str: where to), the same bytes every time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def noise(size_bytes: int, seed: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size_bytes)


def zstd_frame(content: bytes) -> bytes:
    """A Zstandard frame (RFC 8878, 3.1.1) of raw blocks: valid for every decoder, without needing an encoder."""
    # Single segment, content size in 8 bytes, no dictionary, no checksum.
    header = b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + len(content).to_bytes(8, "little")
    limit = 128 * 1024
    starts = range(0, max(len(content), 1), limit)
    blocks = []
    for start in starts:
        block = content[start : start + limit]
        is_last = start == starts[-1]
        blocks.append((len(block) << 3 | is_last).to_bytes(3, "little") + block)
    return header + b"".join(blocks)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


def _tar_of_random_bytes(size_bytes: int) -> Iterable[bytes]:
    member = tarfile.TarInfo("random")
    member.size = size_bytes
    yield member.tobuf()
    for start in range(0, size_bytes, _PIECE_BYTES):
        yield os.urandom(min(_PIECE_BYTES, size_bytes - start))
    # The file is filled up to whole blocks of 512 bytes; two empty blocks end a tar.
    yield bytes(-size_bytes % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
