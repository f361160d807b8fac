"""skopeo: copies between layouts and registries."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.clients.containers_image import ContainersImageClient
from tests.rig.layout import Layout


class Skopeo(ContainersImageClient):
    def __init__(self, home: Path) -> None:
        super().__init__(PEERS["skopeo"].program, home)

    def push(self, layout: Layout, image: str, *options: str) -> None:
        """Push the layout's image `1`, with all its platforms, as `HOST/NAME:TAG`."""
        source, target = f"oci:{layout.folder}:1", f"docker://{image}"
        self.run("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", *options, source, target)

    def pull(self, image: str, folder: Path, *options: str) -> None:
        """Pull `HOST/NAME:TAG`, with all its platforms, as the image `1` of a layout at `folder`."""
        source, target = f"docker://{image}", f"oci:{folder}:1"
        self.run("copy", "--all", "--preserve-digests", "--src-tls-verify=false", *options, source, target)
