"""Many at one moment: whatever is acknowledged is there, in the registry and in the account's signed records."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import LAYER, Blob, image, noise
from tests.fault.aftermath import exported
from tests.fault.sending import begin
from tests.rig.server import Account, Server, Servers

T = TypeVar("T")

PUSHERS = 20
ROUNDS = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("at-once"))
    yield servers.start(workers=2, gc_interval_hours="0", scrub_interval_hours="0")
    servers.stop()


def _at_once(server: Server, account: Account, acts: Sequence[Callable[[Client], T]]) -> list[T]:
    """Do all of them, each with a client of its own, started together."""
    barrier = threading.Barrier(len(acts))

    def act(one: Callable[[Client], T]) -> T:
        with Client(server.url, (account.name, account.password)) as client:
            client.request("GET", "/v2/")
            barrier.wait()
            return one(client)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def _records(server: Server, account: Account, collection: str) -> list[dict[str, object]]:
    return [record for path, record in exported(server, account.name).items() if path.startswith(f"{collection}/")]


def test_many_push_tags_of_their_own(server: Server) -> None:
    """Whole pushes: a layer that all share, one of its own, config, manifest and tag."""
    alice, repository = server.account("alice"), "alice/many"
    made = {
        f"t{number:02}": image(Blob(noise(200_000, seed=1)), Blob(noise(20_000, seed=100 + number)))
        for number in range(PUSHERS)
    }

    def push(tag: str) -> Callable[[Client], None]:
        return lambda client: client.push(repository, made[tag], tag)

    _at_once(server, alice, [push(tag) for tag in made])
    with Client(server.url) as nobody:
        assert nobody.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == sorted(made)
        for tag, manifest in made.items():
            assert nobody.request("GET", f"/v2/{repository}/manifests/{tag}").content == manifest.data
            for part in manifest.needs:
                assert nobody.request("GET", f"/v2/{repository}/blobs/{part.digest}").content == part.data
    tags = {record["tag"]: record["manifestDigest"] for record in _records(server, alice, "io.atcr.tag")}
    assert tags == {tag: manifest.digest for tag, manifest in made.items()}
    digests = [record["digest"] for record in _records(server, alice, "io.atcr.manifest")]
    assert sorted(map(str, digests)) == sorted(manifest.digest for manifest in made.values())


def test_two_push_one_tag(server: Server) -> None:
    """Both manifests are kept and recorded; the tag is one of them, and the record says which."""
    bob, repository = server.account("bob"), "bob/one"
    expected = set()
    for round_ in range(ROUNDS):
        made = [image(LAYER, annotations={"of": f"{round_} {number}"}) for number in range(2)]
        expected |= {manifest.digest for manifest in made}
        _at_once(server, bob, [partial(Client.push, repository=repository, content=one, tag="t") for one in made])
        with Client(server.url) as nobody:
            found = nobody.request("GET", f"/v2/{repository}/manifests/t")
            assert found.content in [manifest.data for manifest in made]
            for manifest in made:
                kept = nobody.request("GET", f"/v2/{repository}/manifests/{manifest.digest}")
                assert kept.content == manifest.data
        (tag,) = _records(server, bob, "io.atcr.tag")
        assert tag["manifestDigest"] == found.headers["docker-content-digest"]
        assert {record["digest"] for record in _records(server, bob, "io.atcr.manifest")} == expected


def test_one_layer_by_many(server: Server) -> None:
    """Into one repository and others, in every form: nobody sees an error, nor a layer that is not whole."""
    carol = server.account("carol")
    for round_ in range(ROUNDS):
        layer = Blob(noise(3_000_000, seed=1000 + round_))

        def push(client: Client, number: int, layer: Blob = layer) -> None:
            repository = f"carol/layer-{number % 3}"
            form = number % 4
            if form == 0:
                client.push_blob(repository, layer)
            elif form == 1:
                target = f"/v2/{repository}/blobs/uploads/?digest={layer.digest}"
                answer = client.request("POST", target, content=layer.data)
                assert answer.status_code == 201, shown(answer)
            else:
                session = begin(client, repository)
                for start in range(0, layer.size, 700_000):
                    answer = client.http.patch(session, content=layer.data[start : start + 700_000])
                    assert answer.status_code == 202, shown(answer)
                answer = client.http.put(session.copy_merge_params({"digest": layer.digest}))
                assert answer.status_code == 201, shown(answer)
            for _ in range(3):
                found = client.request("GET", f"/v2/{repository}/blobs/{layer.digest}")
                assert found.status_code == 200, shown(found)
                assert found.content == layer.data

        _at_once(server, carol, [partial(push, number=number) for number in range(8)])


def test_pushes_and_deletions_of_one_manifest(server: Server) -> None:
    """Each is answered as if it had come alone; what is left is the one or the other, in the records too."""
    erin, repository, made = server.account("erin"), "erin/app", image(LAYER)
    with Client(server.url, (erin.name, erin.password)) as client:
        client.push(repository, made)

        def push(one: Client) -> set[int]:
            headers = {"content-type": made.media_type}
            target = f"/v2/{repository}/manifests/t"
            return {one.request("PUT", target, content=made.data, headers=headers).status_code for _ in range(10)}

        def delete(one: Client) -> set[int]:
            target = f"/v2/{repository}/manifests/{made.digest}"
            return {one.request("DELETE", target).status_code for _ in range(10)}

        def read(one: Client) -> set[int]:
            target = f"/v2/{repository}/manifests/t"
            answers = [one.request("GET", target) for _ in range(20)]
            assert all(answer.content == made.data for answer in answers if answer.status_code == 200)
            return {answer.status_code for answer in answers}

        pushed, deleted, seen = _at_once(server, erin, [push, delete, read])
        assert (pushed, deleted - {202, 404}, seen - {200, 404}) == ({201}, set(), set())
        is_there = client.request("GET", f"/v2/{repository}/manifests/{made.digest}").status_code == 200
        tags = client.request("GET", f"/v2/{repository}/tags/list").json()["tags"]
    assert len(_records(server, erin, "io.atcr.manifest")) == is_there
    assert [record["tag"] for record in _records(server, erin, "io.atcr.tag")] == tags
    assert tags == ["t"] if is_there else tags == []


def test_a_repository_is_hidden_and_published_under_pushes(server: Server) -> None:
    """No push fails, and every record is in the one place or the other."""
    frank, repository = server.account("frank"), "frank/app"
    over = threading.Event()
    pushed: list[str] = []

    def push(client: Client) -> None:
        while not over.is_set():
            tag = f"t{len(pushed):04}"
            client.push(repository, image(LAYER, annotations={"n": tag}), tag)
            pushed.append(tag)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_at_once, server, frank, [push])
        try:
            for _ in range(3):
                while not pushed and not running.done():
                    over.wait(0.01)
                server.run("repo", "hide", repository)
                server.run("repo", "publish", repository)
        finally:
            over.set()
        running.result()
    with Client(server.url) as nobody:
        assert nobody.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == pushed
    assert sorted(str(record["tag"]) for record in _records(server, frank, "io.atcr.tag")) == pushed
    server.run("repo", "hide", repository)
    assert _records(server, frank, "io.atcr.tag") == []
    with Client(server.url, (frank.name, frank.password)) as client:
        assert client.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == pushed
