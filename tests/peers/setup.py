"""Bring peers to this machine: what is missing, and nothing else."""

from collections.abc import Callable, Iterable

from tests.peers import cache, debian, golang, node
from tests.peers.debian import DebianPackage
from tests.peers.golang import GoProgram
from tests.peers.node import NodeProgram
from tests.peers.source import Peer, PeerUnavailableError

Report = Callable[[str], None]


def bring(peers: Iterable[Peer], report: Report) -> dict[str, str]:
    """Bring the peers that are not there, telling `report` each step.

    Returns:
        Why each peer that is still missing could not be had, by name; empty when all are there.
    """
    wanted = [peer for peer in peers if not peer.is_there()]
    if not wanted:
        return {}
    with cache.alone():
        return _bring_debian(wanted, report) | _bring_built(wanted, report)


def _bring_debian(wanted: list[Peer], report: Report) -> dict[str, str]:
    packages = {peer.name: peer.source for peer in wanted if isinstance(peer.source, DebianPackage)}
    if not packages:
        return {}
    report(f"installing {', '.join(sorted(packages))} (Debian packages)")
    try:
        debian.install(packages.values())
    except PeerUnavailableError as error:
        return dict.fromkeys(packages, str(error))
    return {
        name: f"the package left no {source.program}"
        for name, source in packages.items()
        if not source.program.exists()
    }


def _bring_built(wanted: list[Peer], report: Report) -> dict[str, str]:
    missing = {}
    for peer in wanted:
        # Another process may have built it while this one waited for the lock.
        if isinstance(peer.source, DebianPackage) or peer.is_there():
            continue
        report(f"building {peer.name} {peer.version}")
        try:
            _build(peer)
        except PeerUnavailableError as error:
            missing[peer.name] = str(error)
    return missing


def _build(peer: Peer) -> None:
    match peer.source:
        case GoProgram() as program:
            golang.build(program)
        case NodeProgram() as program:
            node.install(program)
