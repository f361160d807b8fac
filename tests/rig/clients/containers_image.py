"""What skopeo, podman and buildah share: the library containers/image, and how it logs in."""

from pathlib import Path

from tests.rig.clients.client import Client
from tests.rig.server import Account


class ContainersImageClient(Client):
    """A client whose logins are in a file of its own."""

    def __init__(self, program: Path, home: Path) -> None:
        super().__init__(program, home, REGISTRY_AUTH_FILE=str(home / "auth.json"))
        # podman and buildah refuse to start if the file that they are told of is not there.
        if not (home / "auth.json").exists():
            (home / "auth.json").write_text("{}")

    def login(self, host: str, account: Account) -> None:
        self.run("login", "--tls-verify=false", "-u", account.name, "--password-stdin", host, stdin=account.password)
