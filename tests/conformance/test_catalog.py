"""`GET /v2/_catalog`: the repositories that the asker may see, and no other, in pages."""

from collections.abc import Iterator, Mapping

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import IMAGE
from tests.rig.server import Servers

_PUBLIC = ["alice/a", "alice/b/c", "alice/d", "bob/e"]


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Client]]:
    servers = Servers(tmp_path_factory.mktemp("catalog"))
    server = servers.start()
    found = {"nobody": Client(server.url)}
    for name in ("alice", "bob"):
        account = server.account(name)
        found[name] = Client(server.url, (account.name, account.password))
    for repository in [*_PUBLIC, "alice/hidden", "bob/hidden"]:
        found[repository.partition("/")[0]].push(repository, IMAGE)
    server.run("repo", "hide", "alice/hidden")
    server.run("repo", "hide", "bob/hidden")
    yield found
    for client in found.values():
        client.http.close()
    servers.stop()


def _catalog(client: Client, **params: str) -> list[str]:
    answer = client.request("GET", "/v2/_catalog", params=params)
    assert answer.status_code == 200, shown(answer)
    found: list[str] = answer.json()["repositories"]
    return found


def test_everybody_sees_what_they_may_see(asker: Mapping[str, Client]) -> None:
    assert _catalog(asker["alice"]) == sorted([*_PUBLIC, "alice/hidden"])
    assert _catalog(asker["bob"]) == sorted([*_PUBLIC, "bob/hidden"])
    assert _catalog(asker["nobody"]) == _PUBLIC


def test_pages(asker: Mapping[str, Client]) -> None:
    found: list[list[str]] = []
    target: str | None = "/v2/_catalog?n=2"
    while target:
        answer = asker["alice"].request("GET", target)
        found.append(answer.json()["repositories"])
        target = answer.links.get("next", {}).get("url")
    assert found == [["alice/a", "alice/b/c"], ["alice/d", "alice/hidden"], ["bob/e"]]


def test_last_and_n(asker: Mapping[str, Client]) -> None:
    nobody = asker["nobody"]
    assert _catalog(nobody, last="alice/b/c") == ["alice/d", "bob/e"]
    assert _catalog(nobody, last="alice/b/c", n="1") == ["alice/d"]
    assert _catalog(nobody, last="zzz") == []
    assert _catalog(nobody, n="0") == []
    assert nobody.request("GET", "/v2/_catalog", params={"n": "-1"}).status_code == 400
