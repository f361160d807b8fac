"""A real containerd with its client, `ctr`."""

import shutil
import tempfile
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.client import Client, ClientFailed
from tests.rig.process import Background
from tests.rig.server import Account


class Containerd:
    """containerd without Kubernetes' interface."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="rs-containerd-"))
        self.socket = self._folder / "c.sock"
        config = self._folder / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{self._folder}/root"\nstate = "{self._folder}/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{self.socket}"\n'
        )
        self.process = Background([str(PEERS["containerd"].program), "--config", str(config)], log=self._folder / "log")
        probe = Ctr(self._folder / "probe", self)
        self.process.wait_until(probe.reaches_daemon, what="containerd to answer")

    def close(self) -> None:
        self.process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Ctr(Client):
    def __init__(self, home: Path, daemon: Containerd) -> None:
        super().__init__(PEERS["ctr"].program, home)
        self._socket = daemon.socket

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        return self._run_whole("-a", str(self._socket), "-n", "tests", *arguments, stdin=stdin, cwd=cwd)

    def reaches_daemon(self) -> bool:
        try:
            self.run("version")
        except ClientFailed:
            return False
        return True

    def pull(self, image: str, *options: str, account: Account | None = None) -> None:
        """Pull and unpack. ctr keeps no login: the password is an option of each command."""
        user = ["--user", f"{account.name}:{account.password}"] if account else []
        self.run("images", "pull", "--snapshotter", "native", *user, *options, image)

    def mirror(self, namespace: str, url: str) -> list[str]:
        """The options by which a pull from the registry `namespace` asks `url` instead, with `?ns=NAMESPACE`."""
        folder = self.home / "hosts"
        (folder / namespace).mkdir(parents=True, exist_ok=True)
        hosts = f'server = "https://{namespace}"\n[host."{url}"]\ncapabilities = ["pull", "resolve"]\n'
        (folder / namespace / "hosts.toml").write_text(hosts)
        return ["--hosts-dir", str(folder)]
