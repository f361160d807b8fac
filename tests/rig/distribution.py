"""distribution, the reference registry: the yardstick, and what the clients' wrappers are checked against."""

import http.client
import json
import subprocess
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.process import Background, free_port
from tests.rig.server import Account


class Distribution:
    """`registry serve` on a free loopback port, its data under `folder`; accounts make it ask for a password."""

    def __init__(self, folder: Path, *accounts: Account) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.port = free_port()
        config = folder / "config.yml"
        # JSON is YAML.
        config.write_text(json.dumps(self._config(folder, accounts)))
        self.process = Background(
            [str(PEERS["distribution"].program), "serve", str(config)], log=folder / "log", environment={}
        )
        self.process.wait_until(self._answers, what="distribution to answer")

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _config(self, folder: Path, accounts: tuple[Account, ...]) -> dict[str, object]:
        config: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.data)},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": self.host, "secret": "of-the-tests"},
        }
        if accounts:
            htpasswd = folder / "htpasswd"
            htpasswd.write_text("".join(_entry(account) for account in accounts))
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(htpasswd)}}
        return config

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False
        finally:
            connection.close()

    def close(self) -> None:
        self.process.stop()


def _entry(account: Account) -> str:
    """A line of htpasswd with bcrypt at its least cost: the yardstick is not to be slowed by it."""
    program = PEERS["ab"].program.with_name("htpasswd")
    made = subprocess.run(
        [program, "-nbB", "-C", "4", account.name, account.password], capture_output=True, text=True, check=True
    )
    return made.stdout.strip() + "\n"
