"""skopeo: copy, inspect, list-tags, delete, sync."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.layout import Layout, digest_in

pytestmark = pytest.mark.peer("skopeo", "busybox")


def _blobs(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "blobs" / "sha256").iterdir()
    }


@pytest.mark.parametrize("kind", ["single", "ten_layers", "multi_platform", "zstd", "runnable"])
def test_what_was_pushed_comes_back_byte_for_byte(
    kind: str, skopeo: Skopeo, image: str, images: Images, tmp_path: Path
) -> None:
    layout: Layout = getattr(images, kind)
    skopeo.push(layout, f"{image}:1")
    skopeo.pull(f"{image}:1", tmp_path / "pulled")
    assert _blobs(tmp_path / "pulled") == _blobs(layout.folder)
    assert digest_in(tmp_path / "pulled") == layout.digest


def test_a_digest_is_a_name_too(skopeo: Skopeo, image: str, images: Images, tmp_path: Path) -> None:
    skopeo.push(images.single, f"{image}:1")
    skopeo.pull(f"{image}@{images.single.digest}", tmp_path / "pulled")
    assert digest_in(tmp_path / "pulled") == images.single.digest


def test_inspect_gives_the_exact_manifest(skopeo: Skopeo, image: str, images: Images) -> None:
    skopeo.push(images.ten_layers, f"{image}:1")
    raw = skopeo.run("inspect", "--tls-verify=false", "--raw", f"docker://{image}:1")
    assert f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}" == images.ten_layers.digest
    told = json.loads(skopeo.run("inspect", "--tls-verify=false", f"docker://{image}:1"))
    assert told["Digest"] == images.ten_layers.digest
    assert len(told["Layers"]) == 10


def test_a_platform_of_an_index_is_chosen(skopeo: Skopeo, image: str, images: Images) -> None:
    skopeo.push(images.multi_platform, f"{image}:1")
    config = skopeo.run("--override-arch=riscv64", "inspect", "--tls-verify=false", "--config", f"docker://{image}:1")
    assert json.loads(config)["architecture"] == "riscv64"


def test_docker_schema_2_is_pushed_and_pulled(skopeo: Skopeo, image: str, images: Images, tmp_path: Path) -> None:
    target = f"docker://{image}:1"
    skopeo.run("copy", "--format=v2s2", "--dest-tls-verify=false", f"oci:{images.single.folder}:1", target)
    manifest = json.loads(skopeo.run("inspect", "--tls-verify=false", "--raw", target))
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    skopeo.run("copy", "--src-tls-verify=false", target, f"dir:{tmp_path / 'pulled'}")


def test_tags_are_listed(skopeo: Skopeo, image: str, images: Images) -> None:
    for tag in ("b", "a", "latest"):
        skopeo.push(images.single, f"{image}:{tag}")
    listed = json.loads(skopeo.run("list-tags", "--tls-verify=false", f"docker://{image}"))
    assert listed["Tags"] == ["a", "b", "latest"]


def test_delete_removes_the_image(skopeo: Skopeo, image: str, images: Images) -> None:
    skopeo.push(images.single, f"{image}:1")
    skopeo.run("delete", "--tls-verify=false", f"docker://{image}:1")
    with pytest.raises(ClientFailed, match=r"manifest unknown|Not Found|was deleted"):
        skopeo.run("inspect", "--tls-verify=false", f"docker://{image}:1")


def test_sync_copies_a_repository_out_and_in(
    skopeo: Skopeo, image: str, registry: Registry, images: Images, tmp_path: Path
) -> None:
    for tag in ("1", "2"):
        skopeo.push(images.single, f"{image}:{tag}")
    out = ["--src", "docker", "--dest", "dir", "--src-tls-verify=false", image, str(tmp_path / "out")]
    skopeo.run("sync", "--all", *out)
    base = f"{registry.host}/alice/synced"
    back = ["--src", "dir", "--dest", "docker", "--dest-tls-verify=false", str(tmp_path / "out"), base]
    skopeo.run("sync", "--all", *back)
    listed = json.loads(skopeo.run("list-tags", "--tls-verify=false", f"docker://{base}/{image.rpartition('/')[2]}"))
    assert listed["Tags"] == ["1", "2"]


def test_a_wrong_password_is_refused(registry: Registry, tmp_path: Path) -> None:
    client = Skopeo(tmp_path / "other")
    with pytest.raises(ClientFailed, match=r"unauthorized|invalid username"):
        client.run("login", "--tls-verify=false", "-u", "alice", "-p", "wrong", registry.host)


def test_a_stranger_pulls_what_is_public_and_pushes_nothing(
    skopeo: Skopeo, registry: Registry, image: str, images: Images, tmp_path: Path
) -> None:
    assert registry.ours
    skopeo.push(images.single, f"{image}:1")
    stranger = Skopeo(tmp_path / "stranger")
    stranger.pull(f"{image}:1", tmp_path / "pulled")
    with pytest.raises(ClientFailed, match=r"unauthorized|denied|authentication required"):
        stranger.push(images.ten_layers, f"{image}:2")


def test_another_account_cannot_push(registry: Registry, image: str, images: Images, tmp_path: Path) -> None:
    assert registry.ours
    bob = Skopeo(tmp_path / "bob")
    bob.login(registry.host, registry.bob)
    with pytest.raises(ClientFailed, match=r"denied|unauthorized"):
        bob.push(images.single, f"{image}:1")
