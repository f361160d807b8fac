"""Moving in from distribution, moving house by backup and restore, and moving from public to private."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.crane import Crane
from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.distribution import Distribution
from tests.rig.images import Images
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("skopeo", "crane", "busybox")

SPDX = "application/spdx+json"


@pytest.mark.peer("distribution", "regctl")
def test_all_that_distribution_had_is_served(
    servers: Servers, distribution: Distribution, images: Images, tmp_path: Path
) -> None:
    skopeo, crane, regctl = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "crane"), Regctl(tmp_path / "regctl")
    theirs = {
        "single": images.single,
        "team/ten-layers": images.ten_layers,
        "team/multi-platform": images.multi_platform,
        "zstd": images.zstd,
    }
    for repository, layout in theirs.items():
        skopeo.push(layout, f"{distribution.host}/{repository}:1")
        skopeo.push(layout, f"{distribution.host}/{repository}:latest")
    regctl.use(distribution.host)
    # distribution has no referrers API: regctl keeps the list under the fallback tag.
    subject = f"--subject={distribution.host}/single:1"
    regctl.run("artifact", "put", f"--artifact-type={SPDX}", subject, stdin="{}")

    server = servers.start(workers=2)
    alice = server.account("alice")
    server.run("adopt", str(distribution.data), "--account", "alice")

    for repository, layout in theirs.items():
        image = f"{server.host}/alice/{repository}"
        assert crane.run("digest", f"{image}:latest").strip() == layout.digest
        skopeo.pull(f"{image}:1", tmp_path / repository.replace("/", "-"))
    regctl.login(server.host, alice)
    listed = json.loads(regctl.run("artifact", "list", "--format=body", f"{server.host}/alice/single:1"))
    assert [one["artifactType"] for one in listed["manifests"]] == [SPDX]


def test_a_backup_beside_the_running_server_is_restored_whole(servers: Servers, images: Images, tmp_path: Path) -> None:
    old = servers.start(workers=2)
    alice = old.account("alice")
    skopeo, crane = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "crane")
    skopeo.login(old.host, alice)
    for name, layout in {"ten-layers": images.ten_layers, "multi-platform": images.multi_platform}.items():
        skopeo.push(layout, f"{old.host}/alice/{name}:1")
    old.run("backup", str(tmp_path / "backup.tar"))

    new = servers.empty(workers=2)
    new.run("restore", str(tmp_path / "backup.tar"))
    new.start()
    for name, layout in {"ten-layers": images.ten_layers, "multi-platform": images.multi_platform}.items():
        assert crane.run("digest", f"{new.host}/alice/{name}:1").strip() == layout.digest
        skopeo.pull(f"{new.host}/alice/{name}:1", tmp_path / name)
    # The account came along with its password.
    skopeo.login(new.host, alice)
    skopeo.push(images.single, f"{new.host}/alice/single:1")


def test_a_hidden_repository_is_seen_by_its_owner_alone_until_it_is_published(
    skopeo: Skopeo, registry: Registry, name: str, image: str, images: Images, tmp_path: Path
) -> None:
    server, stranger = registry.ours, Crane(tmp_path / "stranger")
    skopeo.push(images.multi_platform, f"{image}:1")
    stranger.run("validate", "--remote", f"{image}:1")
    server.run("repo", "hide", name)
    with pytest.raises(ClientFailed, match=r"UNAUTHORIZED|DENIED|UNKNOWN"):
        stranger.run("digest", f"{image}:1")
    skopeo.pull(f"{image}:1", tmp_path / "hidden")
    skopeo.push(images.single, f"{image}:2")
    server.run("repo", "publish", name)
    assert stranger.run("ls", image).split() == ["1", "2"]
    assert stranger.run("digest", f"{image}:2").strip() == images.single.digest
