"""podman: login, push, pull, run, manifest lists, zstd."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.podman import Podman
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import busybox_root

pytestmark = pytest.mark.peer("podman", "runc", "busybox", "skopeo")


@pytest.fixture
def base(podman: Podman, tmp_path: Path) -> str:
    """An image in podman's storage that a container can run."""
    (tmp_path / "root.tar").write_bytes(busybox_root())
    podman.run("import", "-c", 'CMD ["/bin/sh", "-c", "echo it runs"]', str(tmp_path / "root.tar"), "localhost/base:1")
    return "localhost/base:1"


@pytest.fixture
def second(registry: Registry, short_path: Path) -> Podman:
    """A podman on another machine."""
    client = Podman(short_path / "2nd")
    client.login(registry.host, registry.alice)
    return client


def test_a_pushed_image_runs_elsewhere(podman: Podman, base: str, second: Podman, image: str) -> None:
    podman.run("push", "--tls-verify=false", base, f"{image}:1")
    second.run("pull", "--tls-verify=false", f"{image}:1")
    assert second.container(f"{image}:1").strip() == "it runs"
    assert second.container(f"{image}:1", "cat", "/etc/passwd").startswith("root:")


def test_zstd_layers_are_pushed_pulled_and_run(
    podman: Podman, base: str, second: Podman, skopeo: Skopeo, image: str
) -> None:
    podman.run("push", "--tls-verify=false", "--format=oci", "--compression-format=zstd", base, f"{image}:1")
    manifest = json.loads(skopeo.run("inspect", "--raw", "--tls-verify=false", f"docker://{image}:1"))
    assert [layer["mediaType"].rpartition("+")[2] for layer in manifest["layers"]] == ["zstd"]
    assert second.container(f"{image}:1").strip() == "it runs"


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_a_manifest_list_of_two_platforms(
    podman: Podman, base: str, second: Podman, skopeo: Skopeo, image: str, tmp_path: Path, form: str
) -> None:
    podman.run("import", "--arch=arm64", str(tmp_path / "root.tar"), "localhost/other:1")
    podman.run("manifest", "create", "localhost/list")
    for part in (base, "localhost/other:1"):
        podman.run("manifest", "add", "localhost/list", f"containers-storage:{part}")
    push = ["manifest", "push", "--all", "--tls-verify=false", f"--format={form}"]
    podman.run(*push, "localhost/list", f"docker://{image}:1")
    pushed = json.loads(skopeo.run("inspect", "--raw", "--tls-verify=false", f"docker://{image}:1"))
    assert {one["platform"]["architecture"] for one in pushed["manifests"]} == {"amd64", "arm64"}
    assert second.container(f"{image}:1").strip() == "it runs"


def test_tags_are_found(podman: Podman, base: str, image: str) -> None:
    podman.run("push", "--tls-verify=false", base, f"{image}:one")
    podman.run("push", "--tls-verify=false", base, f"{image}:two")
    (found,) = json.loads(podman.run("search", "--tls-verify=false", "--list-tags", "--format=json", image))
    assert found["Tags"] == ["one", "two"]


def test_a_push_after_logout_is_refused(podman: Podman, base: str, registry: Registry, image: str) -> None:
    podman.run("logout", registry.host)
    with pytest.raises(ClientFailed, match=r"unauthorized|denied|authentication required"):
        podman.run("push", "--tls-verify=false", base, f"{image}:1")
