"""The example of a reverse proxy, which speaks TLS before a server that knows its public URL: clients see it alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import certificate
from tests.rig.certificate import Certificate
from tests.rig.clients.crane import Crane
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.proxy import Proxy
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("nginx", "skopeo", "crane", "busybox")


@pytest.fixture
def certified(tmp_path: Path) -> Certificate:
    return certificate.made_in(tmp_path / "certificates")


@pytest.fixture
def proxy(tmp_path: Path, certified: Certificate) -> Iterator[Proxy]:
    ours = Proxy(tmp_path / "nginx", certified)
    yield ours
    ours.stop()


def test_push_and_pull_through_the_proxy(
    servers: Servers, proxy: Proxy, certified: Certificate, images: Images, tmp_path: Path
) -> None:
    server = servers.start(workers=2, public_url=f"https://{proxy.host}", trusted_proxies="127.0.0.1")
    proxy.start(server.host)
    alice = server.account("alice")
    skopeo, crane = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "crane")
    # Go's clients ask these for whom to trust.
    for client in (skopeo, crane):
        client.environment["SSL_CERT_FILE"] = str(certified.authority)
    image = f"{proxy.host}/alice/app:1"

    skopeo.run("login", "-u", "alice", "--password-stdin", proxy.host, stdin=alice.password)
    skopeo.run("copy", f"oci:{images.ten_layers.folder}:1", f"docker://{image}")
    skopeo.run("copy", f"docker://{image}", f"oci:{tmp_path / 'pulled'}:1")
    crane.login(proxy.host, alice)
    crane.run("--verbose", "validate", "--remote", image)
    # Every address that the server gave (realm, Location) was the proxy's.
    assert f"https://{proxy.host}/auth/token" in crane.said
    assert server.host not in crane.said
