"""`python -m tests.peers setup|list [NAME…]`: bring the tests' real peers to this machine, or show which are there."""

import argparse
import os
import sys

from tests.peers.setup import bring
from tests.peers.source import Peer
from tests.peers.table import PEERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("command", choices=["setup", "list"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {' '.join(PEERS)} (all, if none is named)")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in PEERS]:
        parser.error(f"no such peer: {' '.join(unknown)}; there are: {' '.join(PEERS)}")
    chosen = [PEERS[name] for name in arguments.names or PEERS]
    return _list(chosen) if arguments.command == "list" else _setup(chosen)


def _list(peers: list[Peer]) -> int:
    for peer in peers:
        print(f"{peer.name:13} {peer.version:9} {peer.program if peer.is_there() else 'missing'}")
    return 0


def _setup(peers: list[Peer]) -> int:
    missing = bring(peers, lambda step: print(f"peers: {step}", flush=True))
    for name, reason in missing.items():
        print(f"peers: {name} is missing: {reason}", file=sys.stderr)
    print(f"peers: {len(peers) - len(missing)} of {len(peers)} are there")
    # By hand, tests of a missing peer are skipped; CI must not pass by skipping.
    return 1 if missing and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
