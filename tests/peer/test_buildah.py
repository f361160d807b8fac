"""buildah: builds on a base in the registry, and pushes what it built."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.buildah import Buildah
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images

pytestmark = pytest.mark.peer("buildah", "skopeo", "busybox")


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_build_from_the_registry_and_push_to_it(
    buildah: Buildah, skopeo: Skopeo, registry: Registry, image: str, images: Images, tmp_path: Path, form: str
) -> None:
    skopeo.push(images.runnable, f"{image}/base:1")
    context = tmp_path / "context"
    context.mkdir()
    (context / "note").write_text("copied\n")
    (context / "Dockerfile").write_text(
        f"FROM {image}/base:1\nCOPY note /note\nRUN cat /note > /made\nLABEL by=buildah\n"
    )
    buildah.build(context, f"{image}:1")
    buildah.run("push", "--tls-verify=false", f"--format={form}", f"{image}:1", f"docker://{image}:1")

    told = json.loads(skopeo.run("inspect", "--tls-verify=false", f"docker://{image}:1"))
    assert told["Labels"]["by"] == "buildah"
    second = Buildah(tmp_path / "second")
    second.login(registry.host, registry.alice)
    container = second.run("from", "--tls-verify=false", f"{image}:1").strip()
    assert second.run("run", "--isolation=chroot", container, "cat", "/made") == "copied\n"
