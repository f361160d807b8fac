"""Peers that are npm packages, installed by a lock file of this tree that has integrity hashes and no addresses."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.peers import cache
from tests.peers.source import run_quietly


@dataclass(frozen=True, slots=True)
class NodeProgram:
    """A folder with `package.json`, `package-lock.json` and one script; cached under the hash of all three."""

    folder: Path
    script: str
    version: str

    @property
    def program(self) -> Path:
        content = b"".join(file.read_bytes() for file in self._files())
        return cache.root() / f"{self.folder.name}-{hashlib.sha256(content).hexdigest()[:12]}" / self.script

    def _files(self) -> list[Path]:
        return [self.folder / name for name in ("package.json", "package-lock.json", self.script)]


def install(program: NodeProgram) -> None:
    """Install into the cache; no install script is run.

    Raises:
        PeerUnavailableError: no npm, or no network.
    """
    with cache.published(program.program.parent) as folder:
        for name in ("package.json", "package-lock.json", program.script):
            shutil.copy(program.folder / name, folder)
        run_quietly(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], environment=dict(os.environ), cwd=folder
        )
