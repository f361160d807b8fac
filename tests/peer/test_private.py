"""A server whose new repositories are private: nothing of them is seen without a login, and by its owner alone."""

from pathlib import Path

import pytest

from tests.rig.clients.client import ClientFailed
from tests.rig.clients.crane import Crane
from tests.rig.clients.skopeo import Skopeo
from tests.rig.images import Images
from tests.rig.server import Servers

pytestmark = pytest.mark.peer("skopeo", "crane")


def test_only_the_owner_and_who_is_granted_it_pull(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2, default_visibility="private")
    alice, bob, stranger = (Skopeo(tmp_path / who) for who in ("alice", "bob", "stranger"))
    alice.login(server.host, server.account("alice"))
    bob.login(server.host, server.account("bob"))
    image = f"{server.host}/alice/secret:1"
    alice.push(images.single, image)
    alice.pull(image, tmp_path / "alices")
    for other in (bob, stranger):
        with pytest.raises(ClientFailed, match=r"unauthorized|denied|unknown|authentication required"):
            other.pull(image, tmp_path / "others")
    server.run("repo", "grant", "alice/secret", "bob", "pull")
    bob.pull(image, tmp_path / "bobs")
    with pytest.raises(ClientFailed, match=r"unauthorized|denied"):
        bob.push(images.ten_layers, f"{server.host}/alice/secret:2")


def test_the_catalog_shows_only_what_the_asker_may_see(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(default_visibility="private")
    skopeo, alice, bob = Skopeo(tmp_path / "skopeo"), Crane(tmp_path / "alice"), Crane(tmp_path / "bob")
    account = server.account("alice")
    skopeo.login(server.host, account)
    alice.login(server.host, account)
    bob.login(server.host, server.account("bob"))
    skopeo.push(images.single, f"{server.host}/alice/secret:1")
    assert alice.run("catalog", server.host).split() == ["alice/secret"]
    assert bob.run("catalog", server.host).split() == []
