"""buildah, with a storage of its own."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.containers_image import ContainersImageClient
from tests.rig.clients.podman import storage_options


class Buildah(ContainersImageClient):
    def __init__(self, home: Path) -> None:
        super().__init__(PEERS["buildah"].program, home)

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
        return self._run_whole(*storage_options(self.home), *arguments, stdin=stdin, cwd=cwd)

    def build(self, context: Path, image: str) -> None:
        """Build `context/Dockerfile`; its commands run in a chroot, without a container runtime."""
        self.run("bud", "--isolation=chroot", "--tls-verify=false", "-t", image, str(context))
