"""A real dockerd with its client."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client, ClientFailed
from tests.rig.process import Background
from tests.rig.server import Account


class Dockerd:
    """dockerd 20.10 without a network of its own; on loopback it speaks plain HTTP to registries unasked."""

    def __init__(self) -> None:
        # Short: the path of a socket has 107 bytes at most, and dockerd's containerd makes long ones below it.
        self._folder = Path(tempfile.mkdtemp(prefix="rs-docker-"))
        self.socket = f"unix://{self._folder}/d.sock"
        config = self._folder / "daemon.json"
        config.write_text(json.dumps({"features": {"buildkit": False}}))
        options = ["--config-file", str(config), "-H", self.socket, "--pidfile", str(self._folder / "pid")]
        options += ["--data-root", str(self._folder / "data"), "--exec-root", str(self._folder / "run")]
        options += ["--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        self.process = Background([str(PEERS["dockerd"].program), *options], log=self._folder / "log")
        probe = Docker(self._folder / "probe", self)
        self.process.wait_until(probe.reaches_daemon, what="dockerd to answer", deadline_s=60)

    def close(self) -> None:
        self.process.stop()
        # dockerd leaves its own network namespace mounted.
        subprocess.run(["umount", str(self._folder / "run" / "netns" / "default")], check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class Docker(Client):
    """The docker client of that daemon."""

    def __init__(self, home: Path, daemon: Dockerd) -> None:
        super().__init__(PEERS["docker"].program, home, DOCKER_HOST=daemon.socket, DOCKER_CONFIG=str(home / "config"))

    def reaches_daemon(self) -> bool:
        try:
            self.run("version")
        except ClientFailed:
            return False
        return True

    def login(self, host: str, account: Account) -> None:
        self.run("login", "-u", account.name, "--password-stdin", host, stdin=account.password)
