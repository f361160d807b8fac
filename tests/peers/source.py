"""What a peer is, and the contract of a way to get one."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PeerUnavailableError(Exception):
    """This machine cannot have the peer; the message says why, in one line."""


class Source(Protocol):
    """Where a peer comes from."""

    @property
    def version(self) -> str:
        """The pinned version, or the one that this project's Debian release has."""
        ...

    @property
    def program(self) -> Path:
        """The file that is there, and only there, when the peer is."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """One foreign program by the name that `@pytest.mark.peer` uses."""

    name: str
    source: Source

    @property
    def program(self) -> Path:
        return self.source.program

    @property
    def version(self) -> str:
        return self.source.version

    def is_there(self) -> bool:
        return self.program.exists()


def run_quietly(arguments: Sequence[str], *, environment: dict[str, str], cwd: Path | None = None) -> None:
    """Run an installer and keep its talk to itself unless it fails.

    Raises:
        PeerUnavailableError: it cannot be started or ends with another code than 0; carries its last line.
    """
    try:
        done = subprocess.run(
            arguments, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise PeerUnavailableError(f"{arguments[0]}: {error.strerror}") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise PeerUnavailableError(f"{' '.join(arguments[:3])}: {said[-1] if said else f'exit {done.returncode}'}")
