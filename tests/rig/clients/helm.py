"""helm: charts as OCI artifacts."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client
from tests.rig.server import Account


class Helm(Client):
    def __init__(self, home: Path) -> None:
        homes = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA")}
        super().__init__(PEERS["helm"].program, home, **homes)

    def login(self, host: str, account: Account) -> None:
        self.run(
            "registry", "login", host, "--insecure", "-u", account.name, "--password-stdin", stdin=account.password
        )
