"""What one worker has acknowledged, the next read by any other sees, though it remembers what was before."""

from collections.abc import Iterator

import pytest

from tests.conformance.client import shown
from tests.conformance.content import IMAGE, LAYER, image
from tests.fault import workers
from tests.fault.sending import begin
from tests.fault.workers import Held
from tests.rig.server import Account, Server, Servers

ROUNDS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("workers"))
    yield servers.start(workers=3, gc_interval_hours="0", scrub_interval_hours="0")
    servers.stop()


@pytest.fixture(scope="module")
def alice(server: Server) -> Account:
    return server.account("alice")


@pytest.fixture(scope="module")
def bob(server: Server) -> Account:
    return server.account("bob")


@pytest.fixture(scope="module")
def clients(server: Server, alice: Account) -> Iterator[list[Held]]:
    """Alice's, one for each worker."""
    with workers.each(server, alice) as held:
        yield held


@pytest.fixture(scope="module")
def bobs(server: Server, bob: Account) -> Iterator[list[Held]]:
    with workers.each(server, bob) as held:
        yield held


@pytest.fixture(scope="module")
def nobodies(server: Server) -> Iterator[list[Held]]:
    with workers.each(server) as held:
        yield held


def _statuses(clients: list[Held], target: str, method: str = "GET") -> list[int]:
    return [client.request(method, target).status_code for client in clients]


def _writers(clients: list[Held]) -> Iterator[tuple[int, Held]]:
    for round_ in range(ROUNDS):
        yield round_, clients[round_ % len(clients)]


def test_a_tag_moves(clients: list[Held]) -> None:
    repository, made = "alice/moves", [image(LAYER, annotations={"n": str(n)}) for n in range(ROUNDS)]
    for round_, writer in _writers(clients):
        writer.push(repository, made[round_], "t")
        for reader in clients:
            for method in ("HEAD", "GET"):
                found = reader.request(method, f"/v2/{repository}/manifests/t")
                assert found.headers["docker-content-digest"] == made[round_].digest, shown(found)


def test_a_tag_comes_and_goes(clients: list[Held]) -> None:
    repository = "alice/comes"
    clients[0].push(repository, IMAGE)
    for _, writer in _writers(clients):
        writer.push_manifest(repository, IMAGE, "t")
        assert _statuses(clients, f"/v2/{repository}/manifests/t") == [200] * len(clients)
        for reader in clients:
            assert reader.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == ["t"]
        assert writer.request("DELETE", f"/v2/{repository}/manifests/t").status_code == 202
        assert _statuses(clients, f"/v2/{repository}/manifests/t") == [404] * len(clients)
        for reader in clients:
            assert reader.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == []


def test_a_manifest_is_deleted_and_pushed_again(clients: list[Held]) -> None:
    repository, target = "alice/deleted", f"/v2/alice/deleted/manifests/{IMAGE.digest}"
    for _, writer in _writers(clients):
        writer.push(repository, IMAGE, "t")
        assert _statuses(clients, target) == [200] * len(clients)
        assert writer.request("DELETE", target).status_code == 202
        assert _statuses(clients, target) == [404] * len(clients)
        assert _statuses(clients, f"/v2/{repository}/manifests/t") == [404] * len(clients)


def test_a_blob_is_deleted_and_pushed_again(clients: list[Held]) -> None:
    repository, target = "alice/blobs", f"/v2/alice/blobs/blobs/{LAYER.digest}"
    for _, writer in _writers(clients):
        writer.push_blob(repository, LAYER)
        assert _statuses(clients, target) == [200] * len(clients)
        assert writer.request("DELETE", target).status_code == 202
        assert _statuses(clients, target) == [404] * len(clients)
        assert _statuses(clients, target, "HEAD") == [404] * len(clients)


def test_a_blob_is_mounted(clients: list[Held]) -> None:
    clients[0].push_blob("alice/from", LAYER)
    for round_, writer in _writers(clients):
        target = f"/v2/alice/to-{round_}/blobs/"
        assert _statuses(clients, target + LAYER.digest) == [404] * len(clients)
        assert writer.request("POST", f"{target}uploads/?mount={LAYER.digest}&from=alice/from").status_code == 201
        assert _statuses(clients, target + LAYER.digest) == [200] * len(clients)


def test_a_session_is_one_for_all(clients: list[Held]) -> None:
    for _, writer in _writers(clients):
        session = str(begin(writer, "alice/session"))
        assert _statuses(clients, session) == [204] * len(clients)
        assert writer.request("DELETE", session).status_code == 204
        assert _statuses(clients, session) == [404] * len(clients)


def test_a_repository_is_hidden_and_published(
    server: Server, clients: list[Held], bobs: list[Held], nobodies: list[Held]
) -> None:
    """By the operator's command beside the server."""
    clients[0].push("alice/hidden", IMAGE, "t")
    tag, blob = "/v2/alice/hidden/manifests/t", f"/v2/alice/hidden/blobs/{LAYER.digest}"
    for _ in range(2):
        for others in (bobs, nobodies):
            assert _statuses(others, tag) + _statuses(others, blob) == [200] * 2 * len(others)
        server.run("repo", "hide", "alice/hidden")
        for others in (bobs, nobodies):
            found = _statuses(others, tag) + _statuses(others, blob) + _statuses(others, blob, "HEAD")
            assert set(found) <= {401, 403, 404}, found
        assert _statuses(clients, tag) == [200] * len(clients)
        server.run("repo", "publish", "alice/hidden")


def test_a_grant_is_given_and_taken_back(server: Server, clients: list[Held], bobs: list[Held]) -> None:
    clients[0].push("alice/granted", IMAGE, "t")
    server.run("repo", "hide", "alice/granted")
    tag = "/v2/alice/granted/manifests/t"
    refused = {401, 403, 404}
    for _ in range(2):
        assert set(_statuses(bobs, tag)) <= refused
        server.run("repo", "grant", "alice/granted", "bob", "pull")
        assert _statuses(bobs, tag) == [200] * len(bobs)
        server.run("repo", "revoke", "alice/granted", "bob", "pull")
        # With tokens that were given for it, and are good for a quarter of an hour still.
        assert set(_statuses(bobs, tag)) <= refused


def test_a_grant_to_push_ends_an_upload_under_way(server: Server, clients: list[Held], bobs: list[Held]) -> None:
    clients[0].push("alice/pushed", IMAGE, "t")
    server.run("repo", "grant", "alice/pushed", "bob", "push")
    session = str(begin(bobs[0], "alice/pushed"))
    server.run("repo", "revoke", "alice/pushed", "bob", "push")
    for bob in bobs:
        answer = bob.request("PATCH", session, content=b"more")
        assert answer.status_code in (401, 403), shown(answer)


def test_an_account_is_deleted(server: Server, nobodies: list[Held]) -> None:
    dave = server.account("dave")
    with workers.each(server, dave) as clients:
        clients[0].push("dave/app", IMAGE, "t")
        for readers in (clients, nobodies):
            assert _statuses(readers, "/v2/dave/app/manifests/t") == [200] * len(readers)
        server.run("account", "delete", "dave")
        for readers in (clients, nobodies):
            assert set(_statuses(readers, "/v2/dave/app/manifests/t")) <= {401, 404}
            assert set(_statuses(readers, f"/v2/dave/app/blobs/{LAYER.digest}")) <= {401, 404}


def test_a_password_is_changed(server: Server) -> None:
    carol = server.account("carol")
    with workers.each(server, carol) as clients:
        clients[0].push("carol/app", IMAGE, "t")
        server.run("repo", "hide", "carol/app")
        assert _statuses(clients, "/v2/carol/app/manifests/t") == [200] * len(clients)
        server.run("account", "passwd", "carol", "--password-stdin", stdin="another password\n")
        assert _statuses(clients, "/v2/carol/app/manifests/t") == [401] * len(clients)
    with workers.each(server, Account("carol", "another password")) as clients:
        assert _statuses(clients, "/v2/carol/app/manifests/t") == [200] * len(clients)
