"""Password checks: what is remembered of them, and how many there may be."""

import asyncio

import pytest

from roadstead.auth.passwords import (
    LANES,
    MEMORY_KIB,
    MOST_WAITING,
    PASSES,
    REMEMBERED_S,
    Passwords,
    hash_password,
    verify_password,
)
from roadstead.core.errors import Unavailable


def test_a_hash_has_the_parameters_that_the_docs_name() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
    assert hashed != hash_password("correct horse")
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "wrong horse")
    assert not verify_password("no hash", "correct horse")


def test_a_right_password_is_remembered_for_a_minute_and_a_wrong_one_never() -> None:
    now_s = 0.0
    passwords = Passwords(lambda: now_s)
    hashed = hash_password("correct horse")

    async def scenario() -> None:
        nonlocal now_s
        assert not passwords.was_right(hashed, "correct horse")
        assert not await passwords.is_right(hashed, "wrong horse")
        assert not passwords.was_right(hashed, "wrong horse")
        assert await passwords.is_right(hashed, "correct horse")
        assert passwords.was_right(hashed, "correct horse")
        assert not passwords.was_right(hash_password("correct horse"), "correct horse")
        now_s = REMEMBERED_S
        assert not passwords.was_right(hashed, "correct horse")

    asyncio.run(scenario())
    passwords.close()


def test_the_password_itself_is_kept_nowhere() -> None:
    passwords = Passwords()
    asyncio.run(passwords.is_right(hash_password("correct horse"), "correct horse"))
    assert "correct horse" not in repr(vars(passwords))
    passwords.close()


def test_nobody_is_never_right() -> None:
    passwords = Passwords()
    assert not asyncio.run(passwords.is_right(None, "correct horse"))
    passwords.close()


def test_more_than_may_wait_are_told_to_come_back() -> None:
    passwords = Passwords()
    hashed = hash_password("correct horse")

    async def scenario() -> None:
        checks = [asyncio.create_task(passwords.is_right(hashed, "correct horse")) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.is_right(hashed, "correct horse")
        assert all(await asyncio.gather(*checks))

    asyncio.run(scenario())
    passwords.close()
