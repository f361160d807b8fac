"""`/auth/token` over ASGI: GET as docker has it, POST as OAuth 2.0."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from roadstead.auth import app_passwords
from roadstead.auth.endpoint import TokenEndpoint
from roadstead.auth.login import AT_ONE_ACCOUNT
from roadstead.auth.oauth import MOST_BODY_BYTES
from roadstead.auth.origin import client_of
from roadstead.core.access.challenge import challenge
from roadstead.core.access.client_address import TrustedProxies
from roadstead.core.access.rights import Action
from roadstead.core.access.scope import Scope
from roadstead.core.errors import Invalid, TooManyRequests, Unauthorized
from tests.unit.auth.rig import LIFE_S, AuthRig, password_of

_PROXIES = TrustedProxies(["127.0.0.1"])


def _through(rig: AuthRig, scenario: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    endpoint = TokenEndpoint(
        rig.database, rig.login, rig.tokens, lambda request: client_of(request.scope, _PROXIES), rig.clock
    )
    transport = httpx.ASGITransport(Starlette(routes=endpoint.routes()))

    async def run() -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://registry.test") as client:
            await scenario(client)

    asyncio.run(run())


def _basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _password_grant(**changes: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": "alice", "password": password_of("alice"), "service": "registry.test"}
    return {name: value for name, value in {**form, **changes}.items() if value != "-"}


async def _bearer(rig: AuthRig, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert body["token"] == body["access_token"]
    assert body["expires_in"] == LIFE_S
    issued_at = datetime.fromisoformat(body["issued_at"])
    assert issued_at.timestamp() == rig.clock.now_s
    bearer = await rig.tokens.authenticate(f"Bearer {body['token']}".encode())
    return {"name": bearer.asker.name, "access": {name: sorted(of) for name, of in bearer.access.items()}} | {
        name: body[name] for name in ("refresh_token",) if name in body
    }


def test_get(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        scopes: list[tuple[str, str | int | float | bool | None]] = [
            ("scope", "repository:alice/app:pull,push"),
            ("scope", "repository:alice/b:pull repository:bob/x:pull"),
        ]
        answer = await client.get("/auth/token", params=[("service", "registry.test"), ("account", "alice"), *scopes])
        assert await _bearer(rig, answer) == {"name": "", "access": {}}
        for password in (password_of("alice"), password_of("alice")):
            answer = await client.get("/auth/token", params=scopes, headers=_basic("alice", password))
            access = {"alice/app": ["pull", "push"], "alice/b": ["pull"]}
            assert await _bearer(rig, answer) == {"name": "alice", "access": access}
        assert (await _bearer(rig, await client.get("/auth/token", headers=_basic("", ""))))["name"] == ""

    _through(rig, scenario)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Basic YWxpY2U=", "Bearer x", "Basic /////w==", "Digest YTpi", "Basic YTpi YTpi"],
)
def test_get_with_a_header_that_is_not_basic(header: str, rig: AuthRig) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        with pytest.raises(Unauthorized):
            await client.get("/auth/token", headers={"authorization": header})

    _through(rig, scenario)


def test_get_with_wrong_credentials_or_scopes(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        with pytest.raises(Unauthorized):
            await client.get("/auth/token", headers=_basic("alice", "wrong"))
        for scope in ("pull", "repository:alice/app", " ".join(["a:b:pull"] * 33), "x" * 5000):
            with pytest.raises(Invalid):
                await client.get("/auth/token", params={"scope": scope})

    _through(rig, scenario)


def test_failed_logins_count_for_the_client_behind_the_proxy(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        async def fail(address: str) -> None:
            headers = {**_basic("alice", "wrong"), "x-forwarded-for": f"203.0.113.9, {address}"}
            await client.get("/auth/token", headers=headers)

        for _ in range(AT_ONE_ACCOUNT.burst):
            with pytest.raises(Unauthorized):
                await fail("198.51.100.1")
        with pytest.raises(TooManyRequests):
            await fail("198.51.100.1")
        with pytest.raises(Unauthorized):
            await fail("198.51.100.2")

    _through(rig, scenario)


def test_get_with_an_offline_token_and_post_with_it(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        headers = _basic("alice", password_of("alice"))
        first = await _bearer(rig, await client.get("/auth/token", params={"offline_token": "true"}, headers=headers))
        form = {
            "grant_type": "refresh_token",
            "refresh_token": first["refresh_token"],
            "service": "registry.test",
            "client_id": "tests",
            "scope": "repository:alice/app:pull",
        }
        for _ in range(2):  # a client of the registry has no way to keep another than the first
            again = await _bearer(rig, await client.post("/auth/token", data=form))
            assert again == {**first, "access": {"alice/app": ["pull"]}}
        nobodys = await _bearer(rig, await client.get("/auth/token", params={"offline_token": "true"}))
        assert "refresh_token" not in nobodys

    _through(rig, scenario)


def test_post_with_a_password(rig: AuthRig) -> None:
    alice = rig.account("alice")
    _, secret = rig.write(
        lambda c: app_passwords.create(c, alice, "ci", repositories=["alice/app"], actions=[Action.PULL], now_ms=1)
    )

    async def scenario(client: httpx.AsyncClient) -> None:
        scope = "repository:alice/app:pull,push repository:alice/other:pull"
        plain = await _bearer(rig, await client.post("/auth/token", data=_password_grant(scope=scope)))
        assert plain == {"name": "alice", "access": {"alice/app": ["pull", "push"], "alice/other": ["pull"]}}
        offline = await _bearer(rig, await client.post("/auth/token", data=_password_grant(access_type="offline")))
        assert offline["refresh_token"]
        robot = _password_grant(password=secret, scope=scope, access_type="offline")
        answer = await _bearer(rig, await client.post("/auth/token", data=robot))
        assert answer["access"] == {"alice/app": ["pull"]}
        form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "scope": scope}
        again = await _bearer(rig, await client.post("/auth/token", data=form))
        assert again["access"] == {"alice/app": ["pull"]}

    _through(rig, scenario)


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (_password_grant(password="wrong"), 401, "invalid_grant"),
        (_password_grant(username="nobody"), 401, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "rsr_wrong"}, 401, "invalid_grant"),
        (_password_grant(scope="pull"), 400, "invalid_scope"),
        (_password_grant(grant_type="magic"), 400, "unsupported_grant_type"),
        (_password_grant(grant_type="-"), 400, "invalid_request"),
        (_password_grant(username="-"), 400, "invalid_request"),
        (_password_grant(password=""), 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
    ],
)
def test_post_with_what_is_wrong(form: dict[str, str], status: int, error: str, rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.post("/auth/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.json()["error_description"]
        assert ("www-authenticate" in answer.headers) == (status == 401)

    _through(rig, scenario)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"grant_type":"password"}', 400),
        (b"grant_type=password&username=a&username=b&password=c", 400),
        (b"grant_type=password&username=%ff&password=c", 400),
        (b"&".join(b"a%d=b" % number for number in range(100)), 400),
        (b"a=" + b"b" * MOST_BODY_BYTES, 413),
    ],
)
def test_post_with_a_body_that_is_no_form(body: bytes, status: int, rig: AuthRig) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.post("/auth/token", content=body)
        assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")

    _through(rig, scenario)


def test_post_too_often_says_when_to_come_back(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario(client: httpx.AsyncClient) -> None:
        for _ in range(AT_ONE_ACCOUNT.burst):
            await client.post("/auth/token", data=_password_grant(password="wrong"))
        answer = await client.post("/auth/token", data=_password_grant(password="wrong"))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")

    _through(rig, scenario)


def test_the_challenge() -> None:
    scopes = [Scope.repository("alice/app", "pull", "push"), Scope.repository("bob/x", "pull")]
    assert challenge("https://registry.test", "registry.test", scopes, "insufficient_scope") == (
        'Bearer realm="https://registry.test/auth/token",service="registry.test",'
        'scope="repository:alice/app:pull,push repository:bob/x:pull",error="insufficient_scope"'
    )
    assert challenge("http://h", "s") == 'Bearer realm="http://h/auth/token",service="s"'
    assert challenge('http://h"\r\nx: y', "s\\") == 'Bearer realm="http://hx: y/auth/token",service="s"'
