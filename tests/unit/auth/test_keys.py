"""Signing keys: one for all processes, replaced in time, and good for as long as a token that they signed."""

import asyncio
from pathlib import Path

import sqlalchemy as sa

from roadstead.auth.keys import DAY_S, NOTICE_S, SigningKeys
from roadstead.core.access.token import LEEWAY_S
from roadstead.index.database import Database
from roadstead.index.tables import token_keys
from tests.unit.auth.rig import LIFE_S, AuthRig, Clock


def _keys(database: Database, clock: Clock) -> SigningKeys:
    return SigningKeys(database, rotate_after_days=30, token_life_s=LIFE_S, clock=clock)


def _count(database: Database) -> int:
    query = sa.select(sa.func.count()).select_from(token_keys)
    return database.read_now(lambda connection: connection.execute(query).scalar_one())


def test_the_first_key_is_made_when_it_is_needed_and_signs_at_once(rig: AuthRig) -> None:
    async def scenario() -> None:
        key = await rig.keys.signer()
        assert (await rig.keys.signer()).kid == key.kid
        assert await rig.keys.verifier(key.kid) is not None
        assert await rig.keys.verifier("another") is None

    asyncio.run(scenario())
    assert _count(rig.database) == 1


def test_several_workers_agree(rig: AuthRig, tmp_path: Path) -> None:
    """Each with connections of its own, all beginning at the same moment on an empty table."""
    url = rig.database.engine.url.render_as_string(hide_password=False)
    workers = [Database(url, tmp_path) for _ in range(4)]

    async def scenario() -> None:
        ours = [_keys(database, rig.clock) for database in workers]
        signers = await asyncio.gather(*(keys.signer() for keys in ours for _ in range(3)))
        for keys in ours:
            for key in signers:
                assert await keys.verifier(key.kid) is not None
        rig.clock.now_s += NOTICE_S
        assert len({(await keys.signer()).kid for keys in ours}) == 1

    asyncio.run(scenario())
    for database in workers:
        database.close()
    if rig.database.is_sqlite:
        assert _count(rig.database) == 1


def test_a_worker_that_has_just_seen_no_key_accepts_the_first(rig: AuthRig, tmp_path: Path) -> None:
    """As on another machine, where no generation number tells of it."""
    (tmp_path / "elsewhere").mkdir()
    url = rig.database.engine.url.render_as_string(hide_password=False)
    elsewhere = Database(url, tmp_path / "elsewhere")

    async def scenario() -> None:
        other = _keys(elsewhere, rig.clock)
        assert await other.verifier("none yet") is None
        assert await other.verifier((await rig.keys.signer()).kid) is not None

    asyncio.run(scenario())
    elsewhere.close()


def test_a_successor_signs_when_all_know_it_and_the_old_key_verifies_for_a_tokens_life(rig: AuthRig) -> None:
    async def scenario() -> None:
        old = await rig.keys.signer()
        rig.clock.now_s += 30 * DAY_S
        assert (await rig.keys.signer()).kid == old.kid
        assert _count(rig.database) == 2
        rig.clock.now_s += NOTICE_S
        new = await rig.keys.signer()
        assert new.kid != old.kid
        assert _count(rig.database) == 2
        rig.clock.now_s += LIFE_S
        assert await rig.keys.verifier(old.kid) is not None
        rig.clock.now_s += LEEWAY_S + 1
        assert await rig.keys.verifier(old.kid) is None
        assert await rig.keys.verifier(new.kid) is not None

    asyncio.run(scenario())


def test_keys_that_verify_nothing_are_forgotten(rig: AuthRig) -> None:
    async def scenario() -> None:
        for _ in range(4):
            await rig.keys.signer()
            rig.clock.now_s += 31 * DAY_S

    asyncio.run(scenario())
    assert _count(rig.database) == 2
