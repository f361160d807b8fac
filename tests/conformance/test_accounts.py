"""Accounts and their passwords on a real server with two workers: what ends, ends at once and everywhere."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.client import Client, basic, challenge, shown
from tests.conformance.content import IMAGE, LAYER
from tests.rig.server import Server, Servers

_REQUESTS = 8
"""Enough for both workers to be asked, each of them over connections of its own."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("accounts"))
    yield servers.start(workers=2)
    servers.stop()


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    """A connection for each request, so that any worker may get it."""
    with httpx.Client(base_url=server.url, limits=httpx.Limits(max_keepalive_connections=0)) as ours:
        yield ours


def _token(http: httpx.Client, name: str, password: str, scope: str) -> str:
    asked = challenge(http.get("/v2/"))
    answer = http.get(asked["realm"], params={"scope": scope}, headers={"authorization": basic(name, password)})
    assert answer.status_code == 200, shown(answer)
    found: str = answer.json()["token"]
    return found


def _statuses(http: httpx.Client, token: str, path: str) -> set[int]:
    headers = {"authorization": f"Bearer {token}"}
    return {http.get(f"/v2/{path}", headers=headers).status_code for _ in range(_REQUESTS)}


def test_an_app_password_does_what_it_may_and_ends_when_it_is_revoked(server: Server, http: httpx.Client) -> None:
    alice = server.account("alice")
    options = ("--repository", "alice/robot", "--action", "push", "--json")
    secret = json.loads(server.run("app-password", "create", "alice", "ci", *options))["secret"]
    with Client(server.url, (alice.name, secret)) as robot:
        robot.push("alice/robot", IMAGE, "t")
        assert robot.request("GET", "/v2/alice/robot/manifests/t").content == IMAGE.data
        assert robot.request("DELETE", "/v2/alice/robot/manifests/t").status_code == 403
        assert robot.request("POST", "/v2/alice/other/blobs/uploads/").status_code == 403
    server.run("repo", "hide", "alice/robot")
    token = _token(http, "alice", secret, "repository:alice/robot:pull")
    assert _statuses(http, token, "alice/robot/manifests/t") == {200}
    server.run("app-password", "revoke", "alice", "ci")
    assert _statuses(http, token, "alice/robot/manifests/t") == {401}


def test_a_new_password_ends_what_was_given_for_the_old_one(server: Server, http: httpx.Client) -> None:
    carol = server.account("carol")
    token = _token(http, carol.name, carol.password, "repository:carol/app:pull,push")
    assert _statuses(http, token, "carol/app/tags/list") == {404}
    server.run("account", "passwd", "carol", "--password-stdin", stdin="another password\n")
    assert _statuses(http, token, "carol/app/tags/list") == {401}
    refused = http.get("/auth/token", headers={"authorization": basic("carol", carol.password)})
    assert refused.status_code == 401, shown(refused)
    token = _token(http, "carol", "another password", "repository:carol/app:pull,push")
    assert _statuses(http, token, "carol/app/tags/list") == {404}


def test_a_deleted_account_is_gone_with_its_images_and_a_namesake_gets_none_of_them(
    server: Server, http: httpx.Client
) -> None:
    dave = server.account("dave")
    with Client(server.url, (dave.name, dave.password)) as client:
        client.push("dave/app", IMAGE, "t")
    token = _token(http, dave.name, dave.password, "repository:dave/app:pull,push")
    assert _statuses(http, token, "dave/app/manifests/t") == {200}
    server.run("account", "delete", "dave")
    assert _statuses(http, token, "dave/app/manifests/t") == {401}
    namesake = server.account("dave", "of somebody else")
    with Client(server.url, (namesake.name, namesake.password)) as client:
        assert client.request("GET", "/v2/dave/app/manifests/t").status_code == 404
        assert client.request("HEAD", f"/v2/dave/app/blobs/{LAYER.digest}").status_code == 404
        client.push("dave/app", IMAGE, "t")
        assert client.request("GET", "/v2/dave/app/manifests/t").content == IMAGE.data


def test_guessing_a_password_is_limited_over_all_workers(server: Server, http: httpx.Client) -> None:
    erin = server.account("erin")
    headers = {"authorization": basic(erin.name, "wrong")}
    answer = http.get("/auth/token", headers=headers)
    while answer.status_code == 401:  # as many as there may be at once, and those that come back meanwhile
        answer = http.get("/auth/token", headers=headers)
    assert answer.status_code == 429, shown(answer)
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
