"""A folder that distribution's registry has written (its file system driver): what lies where.

    docker/registry/v2/blobs/sha256/ab/<hex>/data
    docker/registry/v2/repositories/<name>/_layers/sha256/<hex>/link
    docker/registry/v2/repositories/<name>/_manifests/revisions/sha256/<hex>/link
    docker/registry/v2/repositories/<name>/_manifests/tags/<tag>/current/link

It is only read. A `link` is a file that spells a digest; what was deleted has its folder, and no link in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roadstead.core.errors import InvalidDigest, Unknown
from roadstead.core.oci.digest import HEX_LENGTHS, Digest

ROOT: Final = Path("docker/registry/v2")

_INSIDE: Final = frozenset({"_layers", "_manifests", "_uploads"})
_LINK_BYTES: Final = 256
"""More than the longest digest has characters."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A registry's folder.

    Args:
        root: the folder with `blobs` and `repositories`.
    """

    root: Path

    @classmethod
    def find(cls, folder: Path) -> Distribution:
        """The registry in a folder: its `rootdirectory`, or what is below it.

        Raises:
            Unknown: there is none.
        """
        for root in (folder / ROOT, folder):
            if (root / "repositories").is_dir() and (root / "blobs").is_dir():
                return cls(root)
        raise Unknown(
            f"{folder} is no folder of a distribution registry: it has no {ROOT}/repositories",
            remedy="name the rootdirectory of its configuration, such as /var/lib/registry",
        )

    def repositories(self) -> Iterator[str]:
        """The repositories' names, sorted, whether they hold anything or not."""
        top = self.root / "repositories"
        for folder, names, _ in os.walk(top):
            names.sort()
            if "_layers" in names or "_manifests" in names:
                yield Path(folder).relative_to(top).as_posix()
            names[:] = [name for name in names if name not in _INSIDE]

    def layers(self, repository: str) -> Iterator[Digest]:
        """The blobs that a repository has a right to, manifests left out."""
        yield from _links(self._of(repository) / "_layers")

    def revisions(self, repository: str) -> Iterator[Digest]:
        """A repository's manifests."""
        yield from _links(self._of(repository) / "_manifests" / "revisions")

    def tags(self, repository: str) -> dict[str, Digest]:
        """A repository's tags, and what each means now."""
        found = {}
        for folder in _sorted(self._of(repository) / "_manifests" / "tags"):
            digest = _linked(folder / "current" / "link")
            if digest is not None:
                found[folder.name] = digest
        return found

    def blob(self, digest: Digest) -> Path:
        """The file with the digest's bytes, whether it is there or not."""
        return self.root / "blobs" / digest.algorithm / digest.hex[:2] / digest.hex / "data"

    def _of(self, repository: str) -> Path:
        return self.root / "repositories" / repository


def _links(folder: Path) -> Iterator[Digest]:
    for algorithm in HEX_LENGTHS:
        for named in _sorted(folder / algorithm):
            digest = _linked(named / "link")
            if digest is not None:
                yield digest


def _linked(file: Path) -> Digest | None:
    try:
        with file.open("rb") as stream:
            return Digest.parse(stream.read(_LINK_BYTES).decode("ascii", "replace").strip())
    except (OSError, InvalidDigest):
        return None


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
