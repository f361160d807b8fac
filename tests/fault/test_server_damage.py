"""Files cut short or changed on the disk of a running server: never served once known, and healed by a push."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import Blob, image, noise
from tests.fault import workers
from tests.rig.server import Account, CommandFailed, Server, Servers

SMALL = Blob(noise(5_000, seed=11))
LARGE = Blob(noise(400_000, seed=12))
WIDE = Blob(noise(400_000, seed=13), algorithm="sha512")
BLOBS = [pytest.param(blob, id=name) for name, blob in (("small", SMALL), ("large", LARGE), ("sha512", WIDE))]
DAMAGED = 3
"""The exit code of `roadstead verify` that has found damage."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("damage"))
    yield servers.start(workers=2, gc_interval_hours="0", scrub_interval_hours="0")
    servers.stop()


@pytest.fixture(scope="module")
def alice(server: Server) -> Account:
    return server.account("alice")


def _file(server: Server, blob: Blob) -> Path:
    algorithm, _, hexes = blob.digest.partition(":")
    return server.data / "docker/registry/v2/blobs" / algorithm / hexes[:2] / hexes / "data"


def _change(file: Path) -> None:
    """One bit, the size as it was."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _check_absent(clients: list[workers.Held], repository: str, blob: Blob) -> None:
    for client in clients:
        for method in ("HEAD", "GET"):
            answer = client.request(method, f"/v2/{repository}/blobs/{blob.digest}")
            assert answer.status_code == 404, shown(answer)
        # Nor can it be had by a mount.
        mount = f"/v2/alice/other/blobs/uploads/?mount={blob.digest}&from={repository}"
        assert client.request("POST", mount).status_code == 202


def _check_healed(client: Client, clients: list[workers.Held], repository: str, blob: Blob) -> None:
    client.push_blob(repository, blob)
    for one in clients:
        assert one.request("GET", f"/v2/{repository}/blobs/{blob.digest}").content == blob.data
        assert one.request("HEAD", f"/v2/{repository}/blobs/{blob.digest}").status_code == 200


@pytest.mark.parametrize("blob", BLOBS)
def test_a_file_cut_short_is_never_served_and_the_next_push_heals_it(
    blob: Blob, server: Server, alice: Account
) -> None:
    repository = f"alice/cut-{blob.size}-{blob.algorithm}"
    with workers.each(server, alice) as clients:
        clients[0].push(repository, image(blob), "t")
        for client in clients:
            assert client.request("GET", f"/v2/{repository}/blobs/{blob.digest}").content == blob.data
        file = _file(server, blob)
        with file.open("r+b") as stream:
            stream.truncate(blob.size - 1)
        _check_absent(clients, repository, blob)
        _check_healed(clients[1], clients, repository, blob)
        assert file.read_bytes() == blob.data


@pytest.mark.parametrize("blob", BLOBS)
def test_a_file_that_is_gone_is_absent_and_the_next_push_heals_it(blob: Blob, server: Server, alice: Account) -> None:
    repository = f"alice/gone-{blob.size}-{blob.algorithm}"
    with workers.each(server, alice) as clients:
        clients[0].push(repository, image(blob), "t")
        for client in clients:
            client.request("GET", f"/v2/{repository}/blobs/{blob.digest}")
        _file(server, blob).unlink()
        _check_absent(clients, repository, blob)
        _check_healed(clients[1], clients, repository, blob)


@pytest.mark.parametrize("blob", BLOBS)
def test_a_changed_file_is_put_aside_by_verify_and_the_next_push_heals_it(
    blob: Blob, server: Server, alice: Account
) -> None:
    repository = f"alice/changed-{blob.size}-{blob.algorithm}"
    with workers.each(server, alice) as clients:
        clients[0].push(repository, image(blob), "t")
        for client in clients:
            client.request("GET", f"/v2/{repository}/blobs/{blob.digest}")
        file = _file(server, blob)
        _change(file)
        with pytest.raises(CommandFailed) as failed:
            server.run("verify", "--json")
        assert failed.value.code == DAMAGED
        report = json.loads(failed.value.output)
        assert [finding["subject"] for finding in report["findings"]] == [blob.digest]
        assert not file.exists()
        assert any(path.is_file() for path in (server.data / "quarantine").rglob(f"*{blob.digest.partition(':')[2]}*"))
        _check_absent(clients, repository, blob)
        # The manifest says what is missing: it is served all the same.
        assert clients[0].request("GET", f"/v2/{repository}/manifests/t").status_code == 200
        refused = clients[0].request(
            "PUT",
            f"/v2/{repository}/manifests/new",
            content=image(blob, annotations={"n": "new"}).data,
            headers={"content-type": image(blob).media_type},
        )
        assert refused.status_code == 404, shown(refused)
        assert refused.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
        _check_healed(clients[1], clients, repository, blob)
    assert json.loads(server.run("verify", "--json"))["findings"] == []
