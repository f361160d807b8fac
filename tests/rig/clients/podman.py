"""podman, with a storage of its own."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.containers_image import ContainersImageClient


def storage_options(home: Path) -> list[str]:
    """Where podman and buildah keep images: under `home`, by plain copies, which needs no kernel support."""
    return ["--root", str(home / "root"), "--runroot", str(home / "run"), "--storage-driver", "vfs"]


class Podman(ContainersImageClient):
    """podman, whose containers run by runc on the network of this machine."""

    def __init__(self, home: Path) -> None:
        super().__init__(PEERS["podman"].program, home)

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        ours = [*storage_options(self.home), "--tmpdir", str(self.home / "tmp")]
        # crun and the systemd cgroup manager both want a running systemd.
        ours += ["--runtime", str(PEERS["runc"].program), "--cgroup-manager=cgroupfs", "--events-backend=file"]
        return self._run_whole(*ours, *arguments, stdin=stdin, cwd=cwd)

    def container(self, image: str, *command: str) -> str:
        """Run a container to its end and give what it printed."""
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        return self.run("run", "--rm", *limits, "--network=host", "--tls-verify=false", image, *command)
