"""A reverse proxy before the server, which knows its public URL: clients see the proxy alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.clients.crane import Crane
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.proxy import Proxy
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("nginx", "skopeo", "crane", "busybox")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    ours = Proxy(tmp_path / "nginx")
    yield ours
    ours.stop()


def test_push_and_pull_through_the_proxy(servers: Servers, proxy: Proxy, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2, public_url=f"http://{proxy.host}", trusted_proxies="127.0.0.1")
    proxy.start(server.host)
    alice = server.account("alice")
    skopeo, crane = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "crane")
    image = f"{proxy.host}/alice/app:1"

    skopeo.login(proxy.host, alice)
    skopeo.push(images.ten_layers, image)
    skopeo.pull(image, tmp_path / "pulled")
    crane.login(proxy.host, alice)
    crane.run("--verbose", "validate", "--remote", image)
    # Every address that the server gave (realm, Location) was the proxy's.
    assert server.host not in crane.said
