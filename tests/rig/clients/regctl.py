"""regctl, of regclient."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client
from tests.rig.server import Account


class Regctl(Client):
    def __init__(self, home: Path) -> None:
        super().__init__(PEERS["regctl"].program, home, REGCTL_CONFIG=str(home / "regctl.json"))

    def use(self, host: str) -> None:
        """Say that this registry speaks plain HTTP."""
        self.run("registry", "set", host, "--tls", "disabled", "--skip-check")

    def login(self, host: str, account: Account) -> None:
        self.use(host)
        self.run("registry", "login", host, "-u", account.name, "--pass-stdin", stdin=account.password)
