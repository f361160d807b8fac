"""The operator's jobs beside a running server, with images of real clients."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path

import pytest

from tests.rig import waiting
from tests.rig.clients.client import ClientFailed
from tests.rig.clients.skopeo import Skopeo
from tests.rig.distribution import Distribution
from tests.rig.images import Images
from tests.rig.layout import Layout
from tests.rig.server import CommandFailed, Server, Servers

pytestmark = pytest.mark.peer("skopeo", "busybox")


def blobs(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "blobs" / "sha256").iterdir()
    }


def client(server: Server, home: Path, password: str) -> Skopeo:
    ours = Skopeo(home)
    ours.login(server.host, server.account("alice", password))
    return ours


def check_pull(skopeo: Skopeo, image: str, layout: Layout, folder: Path) -> None:
    skopeo.pull(image, folder)
    assert blobs(folder) == blobs(layout.folder)


def files(server: Server) -> int:
    return sum(1 for _ in (server.data / "docker").rglob("data"))


def test_a_backup_is_restored_and_pulled_from(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2)
    skopeo = client(server, tmp_path / "home", "alice-password-1")
    skopeo.push(images.multi_platform, f"{server.host}/alice/app:1")
    server.run("backup", str(tmp_path / "backup.tar"))
    server.run("backup", str(tmp_path / "backup"))
    skopeo.push(images.ten_layers, f"{server.host}/alice/later:1")
    for number, source in enumerate(("backup.tar", "backup")):
        again = Server(tmp_path / f"again{number}")
        again.run("restore", str(tmp_path / source))
        servers.started.append(again)
        again.start()
        reader = Skopeo(tmp_path / f"home{number}")
        check_pull(reader, f"{again.host}/alice/app:1", images.multi_platform, tmp_path / f"pulled{number}")
        with pytest.raises(ClientFailed):
            reader.pull(f"{again.host}/alice/later:1", tmp_path / f"absent{number}")
        assert json.loads(again.run("verify", "--json"))["damage"] == 0
    with pytest.raises(CommandFailed, match="not empty"):
        server.run("restore", str(tmp_path / "backup"))


@pytest.mark.peer("distribution")
def test_a_real_registry_is_adopted(
    servers: Servers, distribution: Distribution, images: Images, tmp_path: Path
) -> None:
    theirs = Skopeo(tmp_path / "theirs")
    for layout, name in ((images.multi_platform, "multi"), (images.zstd, "library/zstd"), (images.single, "alice/one")):
        theirs.push(layout, f"{distribution.host}/{name}:1")
    server = servers.start()
    server.account("alice")
    server.run("adopt", str(distribution.data), "--account", "alice", "--dry-run")
    report = json.loads(server.run("adopt", str(distribution.data), "--account", "alice", "--json"))
    assert report["problems"] == []
    assert report["repositories"] == 3
    ours = Skopeo(tmp_path / "ours")
    check_pull(ours, f"{server.host}/alice/multi:1", images.multi_platform, tmp_path / "multi")
    check_pull(ours, f"{server.host}/alice/one:1", images.single, tmp_path / "one")
    check_pull(ours, f"{server.host}/alice/library/zstd:1", images.zstd, tmp_path / "zstd")
    assert json.loads(server.run("verify", "--json"))["damage"] == 0


def test_reindex_beside_readers_changes_nothing_that_they_see(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2)
    skopeo = client(server, tmp_path / "home", "alice-password-1")
    skopeo.push(images.multi_platform, f"{server.host}/alice/app:1")
    report = json.loads(server.run("reindex", "--json"))
    assert (report["tags"], report["skipped"]) == (1, [])
    check_pull(skopeo, f"{server.host}/alice/app:1", images.multi_platform, tmp_path / "pulled")


def test_a_damaged_layer_is_found_and_the_next_push_heals_it(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(workers=2)
    skopeo = client(server, tmp_path / "home", "alice-password-1")
    image = f"{server.host}/alice/app:1"
    skopeo.push(images.ten_layers, image)
    largest = max((server.data / "docker").rglob("data"), key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(CommandFailed, match="corrupt") as failed:
        server.run("verify", "--repository", "alice/app")
    assert failed.value.code == 3
    with pytest.raises(ClientFailed):
        skopeo.pull(image, tmp_path / "damaged")
    skopeo.push(images.ten_layers, image)
    check_pull(skopeo, image, images.ten_layers, tmp_path / "pulled")
    server.run("verify")


def test_the_server_collects_and_reads_back_by_itself(servers: Servers, images: Images, tmp_path: Path) -> None:
    server = servers.start(gc_interval_hours="0.0003", scrub_interval_hours="0.0003", gc_grace_hours="0")
    skopeo = client(server, tmp_path / "home", "alice-password-1")
    # Nothing is kept here for a push that is under way, so that a layer of it may go: it is pushed again then.
    waiting.until(lambda: _pushed(skopeo, images.single, f"{server.host}/alice/app:1"), what="the push")
    assert files(server)
    skopeo.run("delete", "--tls-verify=false", f"docker://{server.host}/alice/app:1")
    waiting.until(lambda: files(server) == 0, what="the blobs to be collected", deadline_s=60)
    waiting.until(lambda: "roadstead_verify_ended" in _metrics(server), what="the scrub", deadline_s=90)


def _pushed(skopeo: Skopeo, layout: Layout, image: str) -> bool:
    try:
        skopeo.push(layout, image)
    except ClientFailed:
        return False
    return True


def _metrics(server: Server) -> str:
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        text: str = answer.read().decode()
    return text
