"""crane: push, copy with mounts, append, list, catalog, delete."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.crane import Crane
from tests.rig.images import Images
from tests.rig.layout import Layout, noise, tar_of

pytestmark = pytest.mark.peer("crane", "busybox")


@pytest.mark.parametrize("kind", ["single", "ten_layers", "zstd", "docker_schema2"])
def test_push_and_pull(kind: str, crane: Crane, image: str, images: Images, tmp_path: Path) -> None:
    layout: Layout = getattr(images, kind)
    crane.run("push", str(layout.folder), f"{image}:1")
    assert crane.run("digest", f"{image}:1").strip() == layout.digest
    crane.run("pull", "--format=oci", f"{image}:1", str(tmp_path / "pulled"))
    assert (tmp_path / "pulled" / "blobs" / "sha256" / layout.digest.removeprefix("sha256:")).exists()
    # crane pushes and pulls zstd, but cannot look into it.
    crane.run("validate", *(["--fast"] if kind == "zstd" else []), "--remote", f"{image}:1")


def test_push_of_an_index(crane: Crane, image: str, images: Images) -> None:
    crane.run("push", "--index", str(images.multi_platform.folder), f"{image}:1")
    platforms = json.loads(crane.run("manifest", f"{image}:1"))["manifests"]
    # crane wraps the layout's own index.json around the image's index.
    inner = json.loads(crane.run("manifest", f"{image}@{platforms[0]['digest']}"))["manifests"]
    assert {one["platform"]["architecture"] for one in inner} == {"amd64", "arm64", "riscv64"}


def test_copy_mounts_what_the_other_repository_has(crane: Crane, image: str, images: Images) -> None:
    crane.run("push", str(images.ten_layers.folder), f"{image}/first:1")
    crane.run("copy", f"{image}/first:1", f"{image}/second:1")
    assert crane.said.count("mounted blob") == 11  # ten layers and the config
    assert crane.run("digest", f"{image}/second:1").strip() == images.ten_layers.digest


def test_append_a_layer(crane: Crane, image: str, images: Images, tmp_path: Path) -> None:
    crane.run("push", str(images.single.folder), f"{image}:1")
    (tmp_path / "layer.tar").write_bytes(tar_of({"added": noise(100_000, seed=1)}))
    crane.run("append", "-b", f"{image}:1", "-f", str(tmp_path / "layer.tar"), "-t", f"{image}:2")
    assert len(json.loads(crane.run("manifest", f"{image}:2"))["layers"]) == 2
    crane.run("export", f"{image}:2", str(tmp_path / "root.tar"))


def test_tags_and_repositories_are_listed(
    crane: Crane, registry: Registry, name: str, image: str, images: Images
) -> None:
    crane.run("push", str(images.single.folder), f"{image}:1")
    crane.run("tag", f"{image}:1", "2")
    assert crane.run("ls", image).split() == ["1", "2"]
    assert name in crane.run("catalog", registry.host).split()


def test_delete_a_tag_and_a_manifest(crane: Crane, registry: Registry, image: str, images: Images) -> None:
    assert registry.ours, "distribution deletes the manifest when it is asked to delete a tag"
    crane.run("push", str(images.single.folder), f"{image}:1")
    crane.run("tag", f"{image}:1", "2")
    crane.run("delete", f"{image}:1")
    assert crane.run("ls", image).split() == ["2"]
    crane.run("delete", f"{image}@{images.single.digest}")
    with pytest.raises(ClientFailed, match=r"MANIFEST_UNKNOWN|NOT_FOUND|404"):
        crane.run("manifest", f"{image}:2")


def test_a_blob_is_read_by_its_digest(crane: Crane, image: str, images: Images) -> None:
    crane.run("push", str(images.single.folder), f"{image}:1")
    config = json.loads(crane.run("manifest", f"{image}:1"))["config"]
    assert len(crane.run("blob", f"{image}@{config['digest']}").encode()) == config["size"]


def test_mutate_and_rebase(crane: Crane, image: str, images: Images) -> None:
    crane.run("push", str(images.single.folder), f"{image}:1")
    crane.run("mutate", f"{image}:1", "--label", "by=crane", "-t", f"{image}:2")
    assert json.loads(crane.run("config", f"{image}:2"))["config"]["Labels"] == {"by": "crane"}
