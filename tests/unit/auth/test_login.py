"""Logging in: what is right, what is refused, and how often one may be wrong."""

import asyncio

import pytest
import sqlalchemy as sa

from roadstead.auth import app_passwords, passwords
from roadstead.auth.login import AT_ONE_ACCOUNT, IN_ALL
from roadstead.core.access.rights import Action, Limits
from roadstead.core.errors import TooManyRequests, Unauthorized, Unavailable
from roadstead.index.tables import audit
from tests.unit.auth.rig import ADDRESS, AuthRig, password_of


async def _is_refused(rig: AuthRig, name: str, password: str, address: str = ADDRESS) -> str:
    with pytest.raises(Unauthorized) as caught:
        await rig.login(name, password, address)
    return str(caught.value)


def test_with_the_password_by_name_handle_or_did(rig: AuthRig) -> None:
    alice = rig.account("alice")

    async def scenario() -> None:
        for name in ("alice", "alice.localhost", "did:web:alice.localhost"):
            asker = await rig.login(name, password_of("alice"), ADDRESS)
            assert (asker.account_id, asker.name, asker.did, asker.limits) == (alice.id, "alice", alice.did, None)

    asyncio.run(scenario())


def test_nothing_tells_a_wrong_password_from_a_wrong_name(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        said = {
            await _is_refused(rig, "alice", "wrong"),
            await _is_refused(rig, "alice", ""),
            await _is_refused(rig, "alice", "x" * 5000),
            await _is_refused(rig, "alice", "rsp_wrong"),
            await _is_refused(rig, "nobody", password_of("alice")),
            await _is_refused(rig, "alice.example.com", password_of("alice")),
            await _is_refused(rig, "\0 ' OR 1=1 --" + "x" * 10_000, "wrong"),
        }
        assert len(said) == 1

    asyncio.run(scenario())
    count = sa.select(sa.func.count()).where(audit.c.action == "login.refused")
    assert rig.database.read_now(lambda connection: connection.execute(count).scalar()) == 7


def test_with_an_app_password(rig: AuthRig) -> None:
    alice = rig.account("alice")
    rig.account("bob")
    made, secret = rig.write(
        lambda connection: app_passwords.create(
            connection, alice, "ci", repositories=["alice.localhost/*"], actions=[Action.PUSH], now_ms=rig.clock.now_ms
        )
    )

    async def scenario() -> None:
        asker = await rig.login("alice", secret, ADDRESS)
        assert asker.app_password_id == made.id
        assert asker.limits == Limits(("alice/*",), frozenset({"push"}))
        await _is_refused(rig, "bob", secret)
        await _is_refused(rig, "nobody", secret)

    asyncio.run(scenario())


def test_guessing_ends_soon_and_being_right_costs_nothing(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        for _ in range(AT_ONE_ACCOUNT.burst + 5):
            await rig.asker("alice")
        for _ in range(AT_ONE_ACCOUNT.burst):
            await _is_refused(rig, "alice", "wrong")
        with pytest.raises(TooManyRequests) as caught:
            await rig.login("alice", "wrong", ADDRESS)
        assert caught.value.retry_after_s == 10
        # Who was right a moment ago is not shut out by who guesses from the same address.
        await rig.asker("alice")
        # Nor is anybody at another address, or by another name for longer than it takes.
        await _is_refused(rig, "alice", "wrong", "198.51.100.1")
        with pytest.raises(TooManyRequests):
            await rig.login("alice.localhost", "wrong", ADDRESS)
        rig.clock.now_s += 10
        await _is_refused(rig, "alice", "wrong")

    asyncio.run(scenario())


def test_guessing_at_many_accounts_ends_too(rig: AuthRig) -> None:
    async def scenario() -> None:
        for number in range(IN_ALL.burst):
            await _is_refused(rig, f"nobody{number}", "rsp_wrong")
        with pytest.raises(TooManyRequests):
            await rig.login("somebody", "rsp_wrong", ADDRESS)

    asyncio.run(scenario())


def test_many_at_once_that_are_right_all_come_in(rig: AuthRig) -> None:
    alice = rig.account("alice")
    _, secret = rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=rig.clock.now_ms))

    async def scenario() -> None:
        many = 3 * AT_ONE_ACCOUNT.burst
        for password in (password_of("alice"), secret):
            askers = await asyncio.gather(*(rig.login("alice", password, ADDRESS) for _ in range(many)))
            assert {asker.name for asker in askers} == {"alice"}

    asyncio.run(scenario())


def test_many_at_once_that_are_wrong_are_no_more_than_one_after_the_other(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        many = 3 * AT_ONE_ACCOUNT.burst
        errors = await asyncio.gather(
            *(rig.login("alice", f"wrong {number}", ADDRESS) for number in range(many)), return_exceptions=True
        )
        assert [type(error) for error in errors].count(Unauthorized) == AT_ONE_ACCOUNT.burst
        assert [type(error) for error in errors].count(TooManyRequests) == many - AT_ONE_ACCOUNT.burst

    asyncio.run(scenario())


def test_what_could_not_be_checked_was_no_wrong_guess(rig: AuthRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.account("alice")

    async def scenario() -> None:
        monkeypatch.setattr(passwords, "MOST_WAITING", 0)
        for _ in range(2 * AT_ONE_ACCOUNT.burst):
            with pytest.raises(Unavailable):
                await rig.asker("alice")
        monkeypatch.undo()
        await rig.asker("alice")

    asyncio.run(scenario())
