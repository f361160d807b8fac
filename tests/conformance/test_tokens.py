"""Tokens: as docker clients expect them, and as nobody may forge them."""

import base64
import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.conformance.client import Client, basic, challenge, shown
from tests.conformance.content import IMAGE, LAYER
from tests.conformance.play import error_differences
from tests.rig.server import Account, Server

_REPOSITORY = "alice/tokens"


@pytest.fixture(scope="module")
def http(registry: Server, clients: Mapping[str, Client]) -> httpx.Client:
    clients["alice"].push(_REPOSITORY, IMAGE, "t")
    return clients["bare"].http


def _token(http: httpx.Client, account: Account | None, *scopes: str) -> dict[str, Any]:
    asked = challenge(http.get("/v2/"))
    headers = {"authorization": basic(account.name, account.password)} if account else {}
    params = httpx.QueryParams([("service", asked["service"]), *(("scope", scope) for scope in scopes)])
    answer = http.get(asked["realm"], params=params, headers=headers)
    assert answer.status_code == 200, shown(answer)
    found: dict[str, Any] = answer.json()
    return found


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _is_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401, shown(answer)
    assert not list(error_differences(answer, "UNAUTHORIZED"))
    assert challenge(answer)["realm"].endswith("/auth/token")


def test_a_challenge_says_which_scope_is_needed(http: httpx.Client) -> None:
    pull = challenge(http.get("/v2/alice/no-such/manifests/t"))
    assert pull["scope"] == "repository:alice/no-such:pull"
    push = challenge(http.post(f"/v2/{_REPOSITORY}/blobs/uploads/"))
    assert push["scope"].startswith(f"repository:{_REPOSITORY}:")
    assert set(push["scope"].rpartition(":")[2].split(",")) >= {"pull", "push"}
    delete = challenge(http.delete(f"/v2/{_REPOSITORY}/manifests/t"))
    assert "delete" in delete["scope"].rpartition(":")[2].split(",")


def test_a_token_is_short_lived_and_names_what_it_gives(http: httpx.Client, alice: Account) -> None:
    answer = _token(http, alice, f"repository:{_REPOSITORY}:pull,push")
    assert answer["token"]
    assert answer.get("access_token", answer["token"]) == answer["token"]
    assert 0 < answer["expires_in"] <= 900
    claims = _claims(answer["token"])
    assert claims["access"] == [{"type": "repository", "name": _REPOSITORY, "actions": ["pull", "push"]}]
    assert claims["exp"] - claims["iat"] <= 900


def test_a_token_gives_no_more_than_the_account_may(http: httpx.Client, bob: Account) -> None:
    claims = _claims(_token(http, bob, f"repository:{_REPOSITORY}:pull,push,delete")["token"])
    assert claims["access"] == [{"type": "repository", "name": _REPOSITORY, "actions": ["pull"]}]


def test_an_anonymous_token_pulls_what_is_public(http: httpx.Client) -> None:
    token = _token(http, None, f"repository:{_REPOSITORY}:pull")["token"]
    assert http.get(f"/v2/{_REPOSITORY}/manifests/t", headers=_bearer(token)).status_code == 200
    _is_refused(http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(token)))


@pytest.mark.parametrize("password", ["", "wrong", "x" * 5000])
def test_a_wrong_password_gets_no_token(password: str, http: httpx.Client) -> None:
    asked = challenge(http.get("/v2/"))
    for name in ("alice", "nobody-of-that-name"):
        answer = http.get(
            asked["realm"], params={"service": asked["service"]}, headers={"authorization": basic(name, password)}
        )
        assert answer.status_code in (401, 429), shown(answer)


def test_oauth2_password_and_refresh_token(http: httpx.Client, alice: Account) -> None:
    """As docker does since 1.11 (distribution's oauth specification)."""
    asked = challenge(http.get("/v2/"))
    form = {
        "grant_type": "password",
        "service": asked["service"],
        "client_id": "tests",
        "access_type": "offline",
        "username": alice.name,
        "password": alice.password,
        "scope": f"repository:{_REPOSITORY}:pull",
    }
    first = http.post(asked["realm"], data=form)
    assert first.status_code == 200, shown(first)
    assert http.get(f"/v2/{_REPOSITORY}/tags/list", headers=_bearer(first.json()["access_token"])).status_code == 200
    refreshed = http.post(
        asked["realm"],
        data={
            "grant_type": "refresh_token",
            "service": asked["service"],
            "client_id": "tests",
            "refresh_token": first.json()["refresh_token"],
            "scope": f"repository:{_REPOSITORY}:pull,push",
        },
    )
    assert refreshed.status_code == 200, shown(refreshed)
    token = refreshed.json()["access_token"]
    assert http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(token)).status_code == 202


def test_a_token_for_another_repository(http: httpx.Client, alice: Account) -> None:
    token = _token(http, alice, "repository:alice/another:pull,push,delete")["token"]
    for method, path in (
        ("POST", "blobs/uploads/"),
        ("PUT", "manifests/t"),
        ("DELETE", "manifests/t"),
        ("DELETE", f"blobs/{LAYER.digest}"),
    ):
        answer = http.request(method, f"/v2/{_REPOSITORY}/{path}", headers=_bearer(token))
        _is_refused(answer)
        assert challenge(answer)["error"] == "insufficient_scope"


def test_a_token_for_less(http: httpx.Client, alice: Account) -> None:
    token = _token(http, alice, f"repository:{_REPOSITORY}:pull")["token"]
    answer = http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(token))
    _is_refused(answer)
    assert challenge(answer)["error"] == "insufficient_scope"


def _parts(token: str) -> tuple[str, str, str]:
    head, claims, signature = token.split(".")
    return head, claims, signature


def _encoded(fields: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def _header(token: str) -> dict[str, Any]:
    head = _parts(token)[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found


def _forgeries(token: str) -> dict[str, str]:
    head, claims, signature = _parts(token)
    fields = _claims(token)
    more = {**fields, "access": [{"type": "repository", "name": _REPOSITORY, "actions": ["pull", "push", "delete"]}]}
    stranger = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    by_stranger = jwt.encode({**_header(token)}, more, stranger, algorithms=["ES256"])
    embedded = jwt.encode(
        {"alg": "ES256", "jwk": stranger.as_dict(private=False)}, more, stranger, algorithms=["ES256"]
    )
    expired = {**fields, "exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200}
    return {
        "no-signature": f"{head}.{claims}.",
        "none": f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "hs256": f"{_encoded({**_header(token), 'alg': 'HS256'})}.{claims}.{signature}",
        "more-rights": f"{head}.{_encoded(more)}.{signature}",
        "longer-life": f"{head}.{_encoded({**fields, 'exp': fields['exp'] + 10**6})}.{signature}",
        "by-a-stranger": by_stranger,
        "by-a-stranger's-key-inside": embedded,
        "expired-by-a-stranger": jwt.encode({**_header(token)}, expired, stranger, algorithms=["ES256"]),
        "unknown-key": f"{_encoded({**_header(token), 'kid': 'another'})}.{claims}.{signature}",
        "signature-cut": token[:-4],
        "two-parts": f"{head}.{claims}",
        "garbage": "not a token",
        "very-long": "a" * 8000,
        "not-base64": f"{head}.{claims}.$$$$",
    }


@pytest.mark.parametrize("what", sorted(_forgeries(f"{_encoded({'alg': 'ES256'})}.{_encoded({'exp': 1})}.x")))
def test_a_forged_token(what: str, http: httpx.Client, bob: Account) -> None:
    """Neither by a push nor by a pull of what is public: a token that is not good is not ignored."""
    token = _forgeries(_token(http, bob, f"repository:{_REPOSITORY}:pull")["token"])[what]
    for answer in (
        http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(token)),
        http.get(f"/v2/{_REPOSITORY}/manifests/t", headers=_bearer(token)),
    ):
        _is_refused(answer)


def _resigned(registry: Server, token: str, **claims: object) -> str:
    """The token with other claims, signed by the server's own key: as it was, or will be, at another time."""
    with closing(sqlite3.connect(registry.data / "roadstead.db")) as connection:
        ((pem,),) = connection.execute("SELECT private_key_pem FROM token_keys WHERE kid = ?", [_header(token)["kid"]])
    return jwt.encode(_header(token), {**_claims(token), **claims}, ECKey.import_key(pem), algorithms=["ES256"])


def test_an_expired_token(http: httpx.Client, registry: Server, alice: Account) -> None:
    token = _token(http, alice, f"repository:{_REPOSITORY}:pull,push")["token"]
    now = int(time.time())
    good = _resigned(registry, token)
    expired = _resigned(registry, token, iat=now - 1000, nbf=now - 1000, exp=now - 100)
    early = _resigned(registry, token, iat=now + 1000, nbf=now + 1000, exp=now + 1900)
    assert http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(good)).status_code == 202
    for one in (expired, early):
        answer = http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(one))
        _is_refused(answer)
        assert challenge(answer)["error"] == "invalid_token"


def test_a_token_for_another_service(http: httpx.Client, registry: Server, alice: Account) -> None:
    token = _token(http, alice, f"repository:{_REPOSITORY}:pull,push")["token"]
    other = _resigned(registry, token, aud="another.example.com")
    _is_refused(http.post(f"/v2/{_REPOSITORY}/blobs/uploads/", headers=_bearer(other)))
