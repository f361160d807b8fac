"""TLS by the server itself, with a certificate of a private authority."""

from pathlib import Path

import pytest

from tests.rig import certificate
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.crane import Crane
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("skopeo", "crane", "busybox")


def test_clients_that_trust_the_authority_push_and_pull(servers: Servers, images: Images, tmp_path: Path) -> None:
    made = certificate.made_in(tmp_path / "certificates")
    server = servers.start(workers=2, tls_cert=str(made.certificate), tls_key=str(made.key))
    alice = server.account("alice")
    image, trust = f"{server.host}/alice/app:1", str(made.authority.parent)

    skopeo = Skopeo(tmp_path / "skopeo")
    skopeo.run("login", f"--cert-dir={trust}", "-u", "alice", "--password-stdin", server.host, stdin=alice.password)
    skopeo.run("copy", f"--dest-cert-dir={trust}", f"oci:{images.ten_layers.folder}:1", f"docker://{image}")
    skopeo.run("copy", f"--src-cert-dir={trust}", f"docker://{image}", f"oci:{tmp_path / 'pulled'}:1")

    crane = Crane(tmp_path / "crane")
    with pytest.raises(ClientFailed, match=r"certificate"):
        crane.run("validate", "--remote", image)
    crane.environment["SSL_CERT_FILE"] = str(made.authority)
    crane.run("validate", "--remote", image)
