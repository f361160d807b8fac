"""cosign: signatures and attestations beside images, with a key pair and without a transparency log."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client
from tests.rig.server import Account


class Cosign(Client):
    def __init__(self, home: Path) -> None:
        secrets = {"DOCKER_CONFIG": str(home / "config"), "COSIGN_PASSWORD": "of-the-tests"}
        super().__init__(PEERS["cosign"].program, home, **secrets)

    def login(self, host: str, account: Account) -> None:
        self.run("login", host, "-u", account.name, "--password-stdin", stdin=account.password)

    def make_keys(self) -> None:
        """`cosign.key` and `cosign.pub` in its home."""
        self.run("generate-key-pair")
