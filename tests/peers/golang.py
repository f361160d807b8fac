"""Peers that are Go programs, built here from the pinned module version (checked by Go's checksum database)."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.peers import cache
from tests.peers.source import run_quietly


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A main package of a module; the program is named by the package path's last part."""

    package: str
    version: str

    @property
    def name(self) -> str:
        return self.package.rpartition("/")[2]

    @property
    def program(self) -> Path:
        return cache.root() / f"{self.name}-{self.version}" / self.name


def build(program: GoProgram) -> None:
    """Build into the cache. Takes 7 to 140 s on two cores the first time.

    Raises:
        PeerUnavailableError: no Go, or no network.
    """
    with cache.published(program.program.parent) as folder:
        # Without cgo, as these projects' own releases are built.
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
        run_quietly(["nice", "go", "install", f"{program.package}@v{program.version}"], environment=environment)
