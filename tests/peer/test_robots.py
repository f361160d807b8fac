"""App passwords, as CI logs in with them."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import Registry
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.server import Account

pytestmark = pytest.mark.peer("skopeo", "busybox")


def _robot(registry: Registry, home: Path, *limits: str) -> tuple[Skopeo, str]:
    """A skopeo that is logged in as alice by a new app password, and the password's name."""
    made = json.loads(registry.ours.run("app-password", "create", "alice", home.name, "--json", *limits))
    robot = Skopeo(home)
    robot.login(registry.host, Account("alice", made["secret"]))
    return robot, home.name


def test_a_robot_that_may_pull_cannot_push(
    registry: Registry, skopeo: Skopeo, image: str, images: Images, tmp_path: Path
) -> None:
    robot, _ = _robot(registry, tmp_path / "puller", "--action=pull")
    skopeo.push(images.single, f"{image}:1")
    robot.pull(f"{image}:1", tmp_path / "pulled")
    with pytest.raises(ClientFailed, match=r"unauthorized|denied"):
        robot.push(images.ten_layers, f"{image}:2")


def test_a_robot_of_one_repository_pushes_to_no_other(
    registry: Registry, name: str, image: str, images: Images, tmp_path: Path
) -> None:
    robot, _ = _robot(registry, tmp_path / "pusher", "--action=push", f"--repository={name}")
    robot.push(images.single, f"{image}:1")
    with pytest.raises(ClientFailed, match=r"unauthorized|denied"):
        robot.push(images.single, f"{registry.host}/alice/another:1")


def test_a_revoked_robot_is_refused(registry: Registry, image: str, images: Images, tmp_path: Path) -> None:
    robot, label = _robot(registry, tmp_path / "fired", "--action=push")
    robot.push(images.single, f"{image}:1")
    registry.ours.run("app-password", "revoke", "alice", label)
    with pytest.raises(ClientFailed, match=r"unauthorized|denied|invalid username"):
        robot.push(images.single, f"{image}:2")
