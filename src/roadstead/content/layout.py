"""Where a digest's bytes lie below the data folder: distribution's layout, so that either can read the other's.

docker/registry/v2/blobs/sha256/ab/<hex>/data       stored, verified
quarantine/sha256-<hex>-<version>                   put aside by a check
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from roadstead.content.store import Check
from roadstead.core.errors import InvalidDigest
from roadstead.core.oci.digest import HEX_LENGTHS, Digest

BLOBS: Final = Path("docker/registry/v2/blobs")
QUARANTINE: Final = Path("quarantine")


class Layout:
    """The paths of one data folder."""

    def __init__(self, data: Path) -> None:
        self.blobs = data / BLOBS
        self.quarantine = data / QUARANTINE

    def blob(self, digest: Digest) -> Path:
        """The file with the digest's bytes."""
        return _blob(self.blobs, digest)

    def aside(self, check: Check) -> Path:
        """Where the bytes that a check has found wanting are put."""
        return self.quarantine / f"{check.digest.algorithm}-{check.digest.hex}-{check.version}"

    def digests(self) -> Iterator[Digest]:
        """The digests that have a folder, in order; names that are no digest are somebody else's and passed over."""
        for algorithm in HEX_LENGTHS:
            for prefix in _names(self.blobs / algorithm):
                for name in _names(self.blobs / algorithm / prefix):
                    digest = _parsed(algorithm, name)
                    if digest is not None and name.startswith(prefix):
                        yield digest


@lru_cache(maxsize=4096)
def _blob(blobs: Path, digest: Digest) -> Path:
    """Asked for at every HEAD and GET; to put a path together takes longer than all else that those do here."""
    return blobs / digest.algorithm / digest.hex[:2] / digest.hex / "data"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _parsed(algorithm: str, name: str) -> Digest | None:
    try:
        return Digest.parse(f"{algorithm}:{name}")
    except InvalidDigest:
        return None
