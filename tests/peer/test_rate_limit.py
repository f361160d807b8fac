"""Clients that are answered 429 with Retry-After wait, and come through."""

from pathlib import Path

import pytest

from tests.rig.clients.regctl import Regctl
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("skopeo", "regctl", "busybox")


def test_skopeo_and_regctl_come_through(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(rate_limit_per_s="25", rate_limit_burst="15")
    alice = server.account("alice")
    skopeo, regctl = Skopeo(tmp_path / "skopeo"), Regctl(tmp_path / "regctl")
    skopeo.login(server.host, alice)
    regctl.login(server.host, alice)
    skopeo.push(images.ten_layers, f"{server.host}/alice/app:1")
    skopeo.pull(f"{server.host}/alice/app:1", tmp_path / "pulled")
    regctl.run("image", "copy", f"{server.host}/alice/app:1", f"{server.host}/alice/copy:1")
