"""containerd by `ctr`: pulls as Kubernetes' nodes do, also as the mirror of another registry (`?ns=`), and push."""

from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.containerd import Ctr
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images

pytestmark = pytest.mark.peer("ctr", "containerd", "skopeo", "busybox")


@pytest.mark.parametrize("kind", ["single", "ten_layers", "zstd", "runnable"])
def test_pull_and_unpack(kind: str, ctr: Ctr, skopeo: Skopeo, registry: Registry, image: str, images: Images) -> None:
    skopeo.push(getattr(images, kind), f"{image}:1")
    ctr.pull(f"{image}:1", "--plain-http", account=registry.alice)
    assert f"{image}:1" in ctr.run("images", "list", "-q").split()


def test_all_platforms_are_pulled(ctr: Ctr, skopeo: Skopeo, registry: Registry, image: str, images: Images) -> None:
    skopeo.push(images.multi_platform, f"{image}:1")
    ctr.pull(f"{image}:1", "--plain-http", "--all-platforms", account=registry.alice)
    assert "linux/riscv64" in ctr.run("images", "list", f"name=={image}:1")


def test_pull_through_a_mirror_names_the_registry_it_stands_for(
    ctr: Ctr, skopeo: Skopeo, registry: Registry, name: str, image: str, images: Images
) -> None:
    skopeo.push(images.ten_layers, f"{image}:1")
    mirror = ctr.mirror("registry.example.com", f"http://{registry.host}")
    ctr.pull(f"registry.example.com/{name}:1", *mirror, account=registry.alice)
    assert f"registry.example.com/{name}:1" in ctr.run("images", "list", "-q").split()


def test_push(ctr: Ctr, skopeo: Skopeo, registry: Registry, image: str, images: Images, tmp_path: Path) -> None:
    skopeo.push(images.multi_platform, f"{image}:1")
    ctr.pull(f"{image}:1", "--plain-http", "--all-platforms", account=registry.alice)
    ctr.run("images", "tag", f"{image}:1", f"{image}/copy:2")
    user = f"{registry.alice.name}:{registry.alice.password}"
    ctr.run("images", "push", "--plain-http", "--user", user, f"{image}/copy:2")
    skopeo.pull(f"{image}/copy:2", tmp_path / "pulled")
