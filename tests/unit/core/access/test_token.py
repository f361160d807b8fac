"""Registry tokens: what is good, and that everything else is one error."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from roadstead.core.access.scope import MOST_CHARACTERS, MOST_SCOPES
from roadstead.core.access.token import (
    LEEWAY_S,
    LONGEST,
    Access,
    Claims,
    TokenKey,
    encode,
    generate_key,
    key_from_pem,
    key_id,
    key_to_pem,
    verify,
)
from roadstead.core.errors import Unauthorized

_SERVICE = "reg.example.com"
_NOW = 1_800_000_000
_KEY = generate_key("k1")
_OTHER = generate_key("k1")
_CLAIMS = Claims(
    iss=_SERVICE,
    sub="did:web:alice.localhost",
    aud=_SERVICE,
    iat=_NOW,
    nbf=_NOW,
    exp=_NOW + 900,
    jti="j",
    access=(Access("repository", "alice/app", ("pull", "push")),),
    account=1,
    credential="c",
)
_GOOD = encode(_CLAIMS, _KEY)


def _part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(payload: Any, key: TokenKey = _KEY, **header: Any) -> str:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact({"alg": "ES256", "kid": "k1", **header}, data, key.key, algorithms=["ES256"])


def _fields(**changes: Any) -> dict[str, Any]:
    _, payload, _ = _GOOD.split(".")
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return {name: value for name, value in {**found, **changes}.items() if value is not ...}


def test_what_was_encoded_is_verified() -> None:
    assert verify(_GOOD, _KEY, service=_SERVICE, now_s=_NOW) == _CLAIMS
    assert key_id(_GOOD) == "k1"
    assert verify(_signed(_fields()), _KEY, service=_SERVICE, now_s=_NOW) == _CLAIMS


def test_the_claims_are_those_of_docker() -> None:
    fields = _fields()
    assert {name: fields[name] for name in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access")} == {
        "iss": _SERVICE,
        "sub": "did:web:alice.localhost",
        "aud": _SERVICE,
        "exp": _NOW + 900,
        "nbf": _NOW,
        "iat": _NOW,
        "jti": "j",
        "access": [{"type": "repository", "name": "alice/app", "actions": ["pull", "push"]}],
    }


def test_a_key_survives_its_pem() -> None:
    assert verify(_GOOD, key_from_pem("k1", key_to_pem(_KEY)), service=_SERVICE, now_s=_NOW) == _CLAIMS


@pytest.mark.parametrize("now_s", [_NOW - LEEWAY_S, _NOW, _NOW + 899.9])
def test_the_time_in_which_it_is_good(now_s: float) -> None:
    verify(_GOOD, _KEY, service=_SERVICE, now_s=now_s)


@pytest.mark.parametrize("now_s", [_NOW - LEEWAY_S - 1, _NOW + 900, _NOW + 10**6])
def test_expired_or_not_yet_good(now_s: float) -> None:
    with pytest.raises(Unauthorized):
        verify(_GOOD, _KEY, service=_SERVICE, now_s=now_s)


def _hs256() -> str:
    """Signed with the public key as if it were a shared secret."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'k1'})}.{_part(_fields())}"
    return f"{signed}.{_part(hmac.digest(_KEY.key.as_pem(private=False), signed.encode(), 'sha256'))}"


def _rs256() -> str:
    key = RSAKey.generate_key(2048)
    return jws.serialize_compact({"alg": "RS256", "kid": "k1"}, json.dumps(_fields()).encode(), key, ["RS256"])


def _with_its_own_key() -> str:
    stranger = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "k1", "jwk": stranger.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(_fields()).encode(), stranger, ["ES256"])


_head, _payload, _signature = _GOOD.split(".")

_TWICE = b'{"alg":"ES256","kid":"k1","alg":"none"}'

_BAD: dict[str, str | Callable[[], str]] = {
    "empty": "",
    "one part": "x",
    "dots": "..",
    "two parts": f"{_head}.{_payload}",
    "five parts": f"{_GOOD}.x.y",
    "no signature": f"{_head}.{_payload}.",
    "signature cut": _GOOD[:-4],
    "signature of zeros": f"{_head}.{_payload}.{_part(bytes(64))}",
    "signature not base64": f"{_head}.{_payload}.$$$$",
    "alg none": f"{_part({'alg': 'none', 'kid': 'k1'})}.{_payload}.",
    "alg none with a signature": f"{_part({'alg': 'none', 'kid': 'k1'})}.{_payload}.{_signature}",
    "alg missing": f"{_part({'kid': 'k1'})}.{_payload}.{_signature}",
    "alg a list": f"{_part({'alg': ['ES256'], 'kid': 'k1'})}.{_payload}.{_signature}",
    "kid missing": f"{_part({'alg': 'ES256'})}.{_payload}.{_signature}",
    "kid of another": f"{_part({'alg': 'ES256', 'kid': 'k2'})}.{_payload}.{_signature}",
    "header deep": f"{_part(b'[' * 6000)}.{_payload}.{_signature}",
    "header a number": f"{_part(b'7')}.{_payload}.{_signature}",
    "header twice the alg": f"{_part(_TWICE)}.{_payload}.{_signature}",
    "hs256 with the public key": _hs256,
    "rs256": _rs256,
    "another key": encode(_CLAIMS, _OTHER),
    "a key of its own inside": _with_its_own_key,
    "payload changed": f"{_head}.{_part(_fields(account=2))}.{_signature}",
    "critical extension": f"{_part({'alg': 'ES256', 'kid': 'k1', 'crit': ['x'], 'x': 1})}.{_payload}.{_signature}",
    "payload not encoded": lambda: _signed(_fields(), crit=["b64"], b64=False),
    "payload deep": lambda: _signed(b"[" * 6000),
    "payload not JSON": lambda: _signed(b"\xff\xfe"),
    "payload a list": lambda: _signed([]),
    "no exp": lambda: _signed(_fields(exp=...)),
    "exp a text": lambda: _signed(_fields(exp=str(_NOW + 900))),
    "exp a float": lambda: _signed(_fields(exp=_NOW + 900.5)),
    "exp infinite": lambda: _signed(_fields(exp=float("inf"))),
    "exp huge": lambda: _signed(_fields(exp=10**30)),
    "no aud": lambda: _signed(_fields(aud=...)),
    "another aud": lambda: _signed(_fields(aud="other.example.com")),
    "aud a list": lambda: _signed(_fields(aud=[_SERVICE])),
    "another iss": lambda: _signed(_fields(iss="other.example.com")),
    "from the future": lambda: _signed(_fields(iat=_NOW + 1000)),
    "access not a list": lambda: _signed(_fields(access="repository:alice/app:push")),
    "account a text": lambda: _signed(_fields(account="1")),
    "too long": _GOOD + "A" * LONGEST,
    "not ASCII": _GOOD + "é",
    "NUL": _GOOD + "\0",
    "surrogate": "\ud800",
    "spaces around": f" {_GOOD} ",
    "line feed": _GOOD + "\n",
}


@pytest.mark.parametrize("what", _BAD)
def test_what_is_not_good(what: str) -> None:
    bad = _BAD[what]
    with pytest.raises(Unauthorized) as caught:
        verify(bad if isinstance(bad, str) else bad(), _KEY, service=_SERVICE, now_s=_NOW)
    assert caught.value.error == "invalid_token"


def test_the_largest_token_that_can_be_asked_for_is_not_too_long() -> None:
    name = "a" * (MOST_CHARACTERS // MOST_SCOPES)
    access = tuple(Access("repository", name, ("pull", "push", "delete")) for _ in range(MOST_SCOPES))
    claims = Claims(
        **{
            **{field: getattr(_CLAIMS, field) for field in Claims.__struct_fields__},
            "access": access,
            "sub": "did:web:" + "a" * 253,
            "iss": "h" * 253,
            "aud": "h" * 253,
            "jti": "j" * 32,
            "credential": "c" * 16,
            "app_password": 2**53,
        }
    )
    verify(encode(claims, _KEY), _KEY, service="h" * 253, now_s=_NOW)
