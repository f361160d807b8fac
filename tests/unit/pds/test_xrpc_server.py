"""`com.atproto.server.*` and `com.atproto.sync.*`: sessions, tokens for other services, lists and their bounds."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from roadstead.core.access.rights import Action
from roadstead.core.atproto.diddocument import DidDocument
from roadstead.core.atproto.multikey import verifies
from roadstead.pds.xrpc.routes import routes
from tests.unit.pds.conftest import World
from tests.unit.pds.surface import HOST, LIFE_S, PASSWORD, Surface, surface

DID = f"did:web:alice.{HOST}"


@pytest.fixture
def pds(world: World, tmp_path: Path) -> Iterator[Surface]:
    with surface(world, tmp_path) as made:
        yield made


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(decoded(token.split(".")[1]))
    return found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def get_session(pds: Surface, token: str) -> Any:
    return pds.fetch("GET", "/xrpc/com.atproto.server.getSession", headers=bearer(token))


def refresh(pds: Surface, token: str) -> Any:
    return pds.post("com.atproto.server.refreshSession", b"", token)


class TestSessions:
    @pytest.mark.parametrize("identifier", ["alice", f"alice.{HOST}", f"ALICE.{HOST}", DID])
    def test_are_opened_by_every_name_of_the_account(self, pds: Surface, identifier: str) -> None:
        pds.account("alice")
        session = pds.login(identifier)
        assert (session["did"], session["handle"], session["active"]) == (DID, f"alice.{HOST}", True)
        assert get_session(pds, session["accessJwt"]).json()["did"] == DID
        assert str(DidDocument.parse(session["didDoc"]).did) == DID

    @pytest.mark.parametrize(
        ("name", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("", ""), ("a" * 999, "x")]
    )
    def test_need_the_right_password(self, pds: Surface, name: str, password: str) -> None:
        pds.account("alice")
        answer = pds.post("com.atproto.server.createSession", {"identifier": name, "password": password})
        assert error(answer) == (401, "AuthenticationRequired")

    def test_are_guarded_against_guessing(self, pds: Surface) -> None:
        pds.account("alice")
        wrong = {"identifier": "alice", "password": "not the password"}
        answers = [pds.post("com.atproto.server.createSession", wrong) for _ in range(60)]
        assert error(answers[-1]) == (429, "RateLimitExceeded")
        assert int(answers[-1].headers["retry-after"]) >= 1

    def test_expire_and_are_refreshed_once(self, pds: Surface) -> None:
        pds.account("alice")
        first = pds.login("alice")
        pds.clock.now_s += LIFE_S
        assert error(get_session(pds, first["accessJwt"])) == (400, "ExpiredToken")
        second = refresh(pds, first["refreshJwt"]).json()
        assert get_session(pds, second["accessJwt"]).status_code == 200
        assert error(refresh(pds, first["refreshJwt"])) == (400, "InvalidToken")

    def test_end_when_they_are_deleted(self, pds: Surface) -> None:
        pds.account("alice")
        session = pds.login("alice")
        assert pds.post("com.atproto.server.deleteSession", b"", session["refreshJwt"]).status_code == 200
        assert error(refresh(pds, session["refreshJwt"])) == (400, "InvalidToken")

    def test_keep_access_and_refresh_apart(self, pds: Surface) -> None:
        pds.account("alice")
        session = pds.login("alice")
        assert error(get_session(pds, session["refreshJwt"])) == (400, "InvalidToken")
        assert error(refresh(pds, session["accessJwt"])) == (400, "InvalidToken")

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_are_not_forged(self, pds: Surface, part: int) -> None:
        parts = pds.token("alice").split(".")
        parts[part] = ("A" if parts[part][10] != "A" else "B").join((parts[part][:10], parts[part][11:]))
        assert error(get_session(pds, ".".join(parts))) == (400, "InvalidToken")

    @pytest.mark.parametrize(
        "token", ["x", "a.b.c", "." * 50, "é", "A" * 20_000, "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"]
    )
    def test_are_not_made_of_anything_else(self, pds: Surface, token: str) -> None:
        sent = {"authorization": f"Bearer {token}".encode()}
        for verb, method in (("GET", "getSession"), ("POST", "refreshSession"), ("POST", "deleteSession")):
            answer = pds.fetch(verb, f"/xrpc/com.atproto.server.{method}", headers=sent)
            assert error(answer) == (400, "InvalidToken")

    def test_of_the_registry_are_not_good_here(self, pds: Surface) -> None:
        scopes = claims(pds.token("alice"))
        assert scopes["scope"] == "com.atproto.access"
        assert scopes["aud"] == f"did:web:{HOST}"


class TestServiceTokens:
    def ask(self, pds: Surface, token: str, **parameters: Any) -> Any:
        path = "/xrpc/com.atproto.server.getServiceAuth"
        return pds.fetch("GET", path, params=parameters, headers=bearer(token))

    def test_are_signed_by_the_account(self, pds: Surface) -> None:
        token = pds.token("alice")
        made = self.ask(pds, token, aud="did:web:hold.example.org", lxm="io.atcr.hold.requestCrew").json()["token"]
        said = claims(made)
        assert (said["iss"], said["aud"], said["lxm"]) == (DID, "did:web:hold.example.org", "io.atcr.hold.requestCrew")
        assert said["exp"] - said["iat"] == 60
        described = pds.get("com.atproto.repo.describeRepo", repo=DID).json()
        key = DidDocument.parse(described["didDoc"]).signing_key
        signed, _, signature = made.rpartition(".")
        assert verifies(key, signed.encode(), decoded(signature))

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"aud": "nonsense"},
            {"aud": "did:web:x.example", "exp": 1},
            {"aud": "did:web:x.example", "lxm": "nothing"},
        ],
    )
    def test_are_refused_for_nonsense(self, pds: Surface, parameters: Any) -> None:
        assert error(self.ask(pds, pds.token("alice"), **parameters)) == (400, "InvalidRequest")

    def test_do_not_last_long(self, pds: Surface) -> None:
        token, audience = pds.token("alice"), "did:web:x.example"
        now_s = int(pds.clock())
        assert error(self.ask(pds, token, aud=audience, exp=now_s + 61)) == (400, "InvalidRequest")
        asked = {"aud": audience, "lxm": "com.example.thing"}
        assert self.ask(pds, token, **asked, exp=now_s + 3600).status_code == 200
        assert error(self.ask(pds, token, **asked, exp=now_s + 3601)) == (400, "InvalidRequest")

    def test_are_not_for_robots(self, pds: Surface) -> None:
        secret = pds.app_password("alice", "*", actions=[Action.PUSH])
        token = pds.login("alice", secret)["accessJwt"]
        assert error(self.ask(pds, token, aud="did:web:x.example")) == (403, "Forbidden")


class TestSync:
    def test_repositories_are_listed_in_pages(self, pds: Surface) -> None:
        for name in ("alice", "bob", "carol", "dave", "erin"):
            pds.world.account(name)
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = pds.get("com.atproto.sync.listRepos", limit=2, **cursor).json()
            found += [repo["did"].removeprefix("did:web:").partition(".")[0] for repo in page["repos"]]
            if "cursor" not in page:
                break
            cursor = {"cursor": page["cursor"]}
        assert found == ["alice", "bob", "carol", "dave", "erin"]

    def test_a_repository_says_where_it_stands(self, pds: Surface) -> None:
        pds.world.account("alice")
        head = pds.world.hosted("alice").head
        latest = pds.get("com.atproto.sync.getLatestCommit", did=DID).json()
        assert latest == {"cid": str(head.cid), "rev": str(head.rev)}
        status = pds.get("com.atproto.sync.getRepoStatus", did=DID).json()
        assert status == {"did": DID, "active": True, "rev": str(head.rev)}

    @pytest.mark.parametrize(
        "method", ["getRepo", "getLatestCommit", "getRepoStatus", "listBlobs", "getBlob", "getRecord"]
    )
    def test_who_is_not_here_is_not_found(self, pds: Surface, method: str) -> None:
        asked = {
            "cid": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
            "collection": "a.b.c",
            "rkey": "x",
        }
        for did in (f"did:web:nobody.{HOST}", "did:web:elsewhere.org", "did:plc:" + "a" * 24):
            assert error(pds.get(f"com.atproto.sync.{method}", did=did, **asked)) == (400, "RepoNotFound")
        assert error(pds.get(f"com.atproto.sync.{method}", did="nonsense!", **asked)) == (400, "InvalidRequest")
        assert error(pds.get(f"com.atproto.sync.{method}", **asked)) == (400, "InvalidRequest")

    def test_parameters_have_bounds(self, pds: Surface) -> None:
        pds.world.account("alice")
        for asked in ({"since": "x"}, {"since": "\0"}, {"since": "y" * 5000}):
            assert error(pds.get("com.atproto.sync.getRepo", did=DID, **asked)) == (400, "InvalidRequest")
            assert error(pds.get("com.atproto.sync.listBlobs", did=DID, **asked)) == (400, "InvalidRequest")
        for asked in ({"cursor": "x"}, {"limit": "1001"}, {"cursor": "9" * 17}):
            assert error(pds.get("com.atproto.sync.listRepos", **asked)) == (400, "InvalidRequest")
        assert error(pds.get("com.atproto.sync.listBlobs", did=DID, cursor="x")) == (400, "InvalidRequest")
        assert error(pds.get("com.atproto.sync.getBlob", did=DID, cid="x")) == (400, "InvalidRequest")

    def test_browsers_may_ask_from_anywhere(self, pds: Surface) -> None:
        path = "/xrpc/com.atproto.server.describeServer"
        asked = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
        assert pds.fetch("OPTIONS", path, headers=asked).headers["access-control-allow-origin"] == "*"
        assert pds.fetch("GET", path, headers=asked).headers["access-control-allow-origin"] == "*"


class TestHosts:
    @pytest.mark.parametrize("host", [b"[", b"[::", b"a]b", b"[a:b]", b"%", b"\xff", b"", b"x:99999999"])
    @pytest.mark.parametrize("query", [b"", b"\xff"])
    @pytest.mark.parametrize("path", ["/.well-known/did.json", "/.well-known/atproto-did"])
    def test_that_are_malformed_are_nobodys(self, pds: Surface, path: str, query: bytes, host: bytes) -> None:
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "scheme": "http",
                 "headers": [(b"host", host)], "server": ("192.0.2.9", 80), "client": ("192.0.2.1", 1)}  # fmt: skip
        told: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            told.append(message)

        pds.runner.run(Starlette(routes=routes(pds.parts))(scope, receive, send))
        assert told[0]["status"] == 404
        assert json.loads(told[1]["body"])["error"] == "HandleNotFound"
