"""crane, of go-containerregistry; on loopback it speaks plain HTTP unasked."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client
from tests.rig.server import Account


class Crane(Client):
    def __init__(self, home: Path) -> None:
        super().__init__(PEERS["crane"].program, home, DOCKER_CONFIG=str(home / "config"))

    def login(self, host: str, account: Account) -> None:
        self.run("auth", "login", host, "-u", account.name, "--password-stdin", stdin=account.password)
