"""Peers that are packages of Debian 12.

apt serves one version of a package at a time, so the version here is what the tests were written against, not a pin.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.peers.source import PeerUnavailableError, run_quietly


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A program at a fixed path: a machine may have another program of that name earlier on its PATH."""

    package: str
    version: str
    program: Path


def install(packages: Iterable[DebianPackage]) -> None:
    """Install what is named by one apt call, starting no service.

    Raises:
        PeerUnavailableError: not root, no apt, or no network.
    """
    names = sorted({package.package for package in packages})
    if os.geteuid() != 0:
        raise PeerUnavailableError(f"needs root: apt-get install {' '.join(names)}")
    # RUNLEVEL=1 makes invoke-rc.d leave the services of the packages alone: tests start their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run_quietly(["apt-get", "update", "-qq"], environment=environment)
    run_quietly(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names], environment=environment)
