"""Refresh tokens: of the registry, which stay; of the PDS, which are new with every use."""

import asyncio

import pytest
import sqlalchemy as sa

from roadstead.auth import app_passwords, refresh
from roadstead.auth.refresh import Purpose
from roadstead.core.access.rights import ANONYMOUS, Asker
from roadstead.core.errors import Unauthorized
from roadstead.index import tables
from tests.unit.auth.rig import ADDRESS, AuthRig


def _alice(rig: AuthRig) -> Asker:
    rig.account("alice")
    return asyncio.run(rig.asker("alice"))


def _issue(rig: AuthRig, asker: Asker, purpose: Purpose = "registry", now_ms: int = 0) -> str:
    return rig.write(lambda c: refresh.issue(c, asker, purpose, now_ms=now_ms, life_s=10))


def _use(rig: AuthRig, secret: str, purpose: Purpose = "registry", now_ms: int = 1) -> Asker:
    return rig.write(lambda c: refresh.use(c, secret, purpose, now_ms=now_ms, life_s=10))


def _rotate(rig: AuthRig, secret: str, purpose: Purpose = "pds", now_ms: int = 1) -> tuple[Asker, str]:
    return rig.write(lambda c: refresh.rotate(c, secret, purpose, now_ms=now_ms, life_s=10))


def test_using_one_keeps_it_and_moves_its_end(rig: AuthRig) -> None:
    asker = _alice(rig)
    secret = _issue(rig, asker)
    for now_ms in (5_000, 14_000, 23_000):
        assert _use(rig, secret, now_ms=now_ms) == asker
    with pytest.raises(Unauthorized):
        _use(rig, secret, now_ms=33_000)


def test_rotating_ends_the_old_one(rig: AuthRig) -> None:
    asker = _alice(rig)
    old = _issue(rig, asker, "pds")
    found, new = _rotate(rig, old)
    assert found == asker
    with pytest.raises(Unauthorized):
        _rotate(rig, old)
    assert _rotate(rig, new)[0] == asker


def test_one_purpose_is_not_the_other(rig: AuthRig) -> None:
    secret = _issue(rig, _alice(rig), "registry")
    with pytest.raises(Unauthorized):
        _use(rig, secret, "pds")
    with pytest.raises(Unauthorized):
        _rotate(rig, secret, "pds")
    assert not rig.write(lambda c: refresh.revoke(c, secret, "pds"))
    assert rig.write(lambda c: refresh.revoke(c, secret, "registry"))
    with pytest.raises(Unauthorized):
        _use(rig, secret, "registry")


def test_nobody_gets_none_and_garbage_is_none(rig: AuthRig) -> None:
    with pytest.raises(Unauthorized):
        _issue(rig, ANONYMOUS)
    for secret in ("", "rsr_x", "\0", "é" * 1000):
        with pytest.raises(Unauthorized):
            _use(rig, secret)


@pytest.mark.parametrize("ending", ["revoked", "over"])
def test_one_that_an_app_password_was_given_ends_with_it(ending: str, rig: AuthRig) -> None:
    alice, now_ms = rig.account("alice"), rig.clock.now_ms
    end_ms = now_ms + 1000 if ending == "over" else None
    _, password = rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=now_ms, expires_at_ms=end_ms))
    asker = asyncio.run(rig.login("alice", password, ADDRESS))
    assert asker.limits is not None
    secret = _issue(rig, asker, now_ms=now_ms)
    assert _use(rig, secret, now_ms=now_ms) == asker
    if ending == "revoked":
        rig.write(lambda c: app_passwords.revoke(c, alice, "ci", now_ms=now_ms))
    with pytest.raises(Unauthorized):
        _use(rig, secret, now_ms=now_ms + 1000)


def test_an_account_has_only_so_many(rig: AuthRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "MOST_PER_ACCOUNT", 3)
    asker = _alice(rig)
    secrets = [_issue(rig, asker, now_ms=now_ms) for now_ms in range(5)]
    count = sa.select(sa.func.count()).select_from(tables.refresh_tokens)
    assert rig.database.read_now(lambda c: c.execute(count).scalar()) == 3
    _use(rig, secrets[-1])
    with pytest.raises(Unauthorized):
        _use(rig, secrets[0])
