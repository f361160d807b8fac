"""An image of over 1 GiB goes in and out, and no worker holds it in memory."""

from pathlib import Path

import pytest

from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import MIB, Images
from tests.rig.memory import PeakMemory
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("skopeo", "busybox")

GROWTH_BYTES = 64 * MIB
"""What a worker may grow by, whatever the size of a blob."""


def test_no_worker_grows_with_the_blob(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2)
    skopeo = Skopeo(tmp_path / "skopeo")
    skopeo.login(server.host, server.account("alice"))
    # First a small one: what a worker imports and caches for its first push and pull is not growth by size.
    skopeo.push(images.ten_layers, f"{server.host}/alice/small:1")
    skopeo.pull(f"{server.host}/alice/small:1", tmp_path / "small")

    with PeakMemory(server.worker_pids()) as memory:
        skopeo.push(images.large, f"{server.host}/alice/large:1")
        skopeo.pull(f"{server.host}/alice/large:1", tmp_path / "large")

    for blob in (images.large.folder / "blobs" / "sha256").iterdir():
        assert (tmp_path / "large" / "blobs" / "sha256" / blob.name).stat().st_size == blob.stat().st_size
    assert max(memory.growth_bytes().values()) <= GROWTH_BYTES, memory.growth_bytes()
