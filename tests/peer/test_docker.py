"""docker 20.10: login, push, pull, build, run, through a real dockerd."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.docker import Docker, Dockerd
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images, busybox_root

pytestmark = pytest.mark.peer("docker", "dockerd", "runc", "busybox", "skopeo")


@pytest.fixture
def base(docker: Docker, tmp_path: Path) -> str:
    """An image in the daemon that a container can run."""
    (tmp_path / "root.tar").write_bytes(busybox_root())
    command = 'CMD ["/bin/sh", "-c", "echo it runs"]'
    docker.run("import", "-c", command, str(tmp_path / "root.tar"), "base:1")
    return "base:1"


def _container(docker: Docker, image: str, *command: str) -> str:
    return docker.run("run", "--rm", "--network=host", image, *command)


def test_push_pull_and_run(docker: Docker, base: str, image: str) -> None:
    docker.run("tag", base, f"{image}:1")
    docker.run("push", f"{image}:1")
    docker.run("rmi", f"{image}:1", base)
    docker.run("pull", f"{image}:1")
    assert _container(docker, f"{image}:1") == "it runs\n"


def test_all_tags_are_pushed_and_pulled(docker: Docker, base: str, image: str) -> None:
    for tag in ("1", "2", "3"):
        docker.run("tag", base, f"{image}:{tag}")
    docker.run("push", "--all-tags", image)
    docker.run("rmi", *(f"{image}:{tag}" for tag in ("1", "2", "3")))
    docker.run("pull", "--all-tags", image)
    assert set(docker.run("images", "--format", "{{.Tag}}", image).split()) == {"1", "2", "3"}


def test_build_from_the_registry_and_push_to_it(docker: Docker, base: str, image: str, tmp_path: Path) -> None:
    docker.run("tag", base, f"{image}/base:1")
    docker.run("push", f"{image}/base:1")
    docker.run("rmi", f"{image}/base:1", base)
    context = tmp_path / "context"
    context.mkdir()
    (context / "note").write_text("copied\n")
    (context / "Dockerfile").write_text(
        f'FROM {image}/base:1\nCOPY note /note\nRUN cat /note > /made\nCMD ["cat", "/made"]\n'
    )
    docker.run("build", "--network=host", "-t", f"{image}:1", str(context))
    docker.run("push", f"{image}:1")
    docker.run("rmi", f"{image}:1")
    assert _container(docker, f"{image}:1") == "copied\n"


def test_a_layer_that_another_repository_has_is_mounted(docker: Docker, base: str, image: str) -> None:
    docker.run("tag", base, f"{image}/first:1")
    docker.run("push", f"{image}/first:1")
    docker.run("tag", base, f"{image}/second:1")
    assert "Mounted from" in docker.run("push", f"{image}/second:1")


def test_what_skopeo_pushed_as_oci_is_pulled_by_its_platform(
    docker: Docker, skopeo: Skopeo, image: str, images: Images
) -> None:
    skopeo.push(images.multi_platform, f"{image}:1")
    docker.run("pull", "--platform=linux/arm64", f"{image}:1")
    assert docker.run("inspect", "--format", "{{.Architecture}}", f"{image}:1").strip() == "arm64"


def test_a_manifest_list_is_made_and_pushed(docker: Docker, skopeo: Skopeo, base: str, image: str) -> None:
    docker.run("tag", base, f"{image}:one")
    docker.run("push", f"{image}:one")
    docker.run("manifest", "create", "--insecure", f"{image}:list", f"{image}:one")
    docker.run("manifest", "push", "--insecure", f"{image}:list")
    pushed = json.loads(skopeo.run("inspect", "--raw", "--tls-verify=false", f"docker://{image}:list"))
    assert pushed["mediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"


def test_a_wrong_password_is_refused(registry: Registry, dockerd: Dockerd, tmp_path: Path) -> None:
    client = Docker(tmp_path / "other", dockerd)
    with pytest.raises(ClientFailed, match=r"(?i)unauthorized"):
        client.run("login", "-u", "alice", "--password-stdin", registry.host, stdin="wrong")


def test_a_push_without_login_is_refused(
    docker: Docker, base: str, dockerd: Dockerd, image: str, tmp_path: Path
) -> None:
    stranger = Docker(tmp_path / "stranger", dockerd)
    docker.run("tag", base, f"{image}:1")
    with pytest.raises(ClientFailed, match=r"unauthorized|denied|no basic auth|authentication required"):
        stranger.run("push", f"{image}:1")
