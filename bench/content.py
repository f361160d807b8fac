"""What is pushed and pulled: random bytes of which each upload is another, without hashing all of them each time."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from bench.wire import FilePart

MIB = 1024 * 1024
LARGE_BYTES = 256 * MIB
SMALL_BYTES = 2048
_TAIL_BYTES = 16

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class LargeBlob:
    """Bytes of the common file, ended by some that no other blob has."""

    part: FilePart
    digest: str


class LargeBlobs:
    """Blobs of 256 MiB that differ in their last bytes, over one file that stays in the page cache."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "random"
        self._size_bytes = LARGE_BYTES - _TAIL_BYTES
        self._hashed = hashlib.sha256()
        with self._file.open("wb") as file:
            for start in range(0, self._size_bytes, MIB):
                piece = os.urandom(min(MIB, self._size_bytes - start))
                self._hashed.update(piece)
                file.write(piece)

    def new(self) -> LargeBlob:
        tail = os.urandom(_TAIL_BYTES)
        hashed = self._hashed.copy()
        hashed.update(tail)
        return LargeBlob(FilePart(self._file, 0, self._size_bytes, tail), f"sha256:{hashed.hexdigest()}")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def new_small() -> bytes:
    return os.urandom(SMALL_BYTES)


_counter = itertools.count()


def new_manifest(config: bytes, layer: bytes) -> bytes:
    """A manifest of the two blobs that no other is like."""
    fields = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
        "annotations": {"number": f"{os.getpid()}-{next(_counter)}"},
    }
    return json.dumps(fields).encode()


def _descriptor(data: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
