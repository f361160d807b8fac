"""The clients' ways again, on a server whose index is a real PostgreSQL."""

import json
from pathlib import Path

import pytest

from tests.rig.clients.crane import Crane
from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.postgres import Postgres
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("postgresql", "skopeo", "crane", "regctl", "busybox")


def test_push_pull_list_refer_and_delete(servers: Servers, postgres: Postgres, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2, database_url=postgres.new_database())
    alice = server.account("alice")
    skopeo, crane, regctl = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "crane"), Regctl(tmp_path / "regctl")
    for client in (skopeo, crane, regctl):
        client.login(server.host, alice)
    image = f"{server.host}/alice/app"

    skopeo.push(images.multi_platform, f"{image}:1")
    skopeo.push(images.ten_layers, f"{image}:2")
    crane.run("copy", f"{image}:2", f"{server.host}/alice/copy:2")
    regctl.run("artifact", "put", "--artifact-type=application/spdx+json", f"--subject={image}:1", stdin="{}")

    assert crane.run("ls", image).split() == ["1", "2"]
    assert crane.run("catalog", server.host).split() == ["alice/app", "alice/copy"]
    assert len(json.loads(regctl.run("artifact", "list", "--format=body", f"{image}:1"))["manifests"]) == 1
    skopeo.pull(f"{image}:1", tmp_path / "pulled")
    crane.run("delete", f"{image}:2")
    assert crane.run("ls", image).split() == ["1"]
    server.restart()
    crane.run("validate", "--remote", f"{server.host}/alice/copy:2")
