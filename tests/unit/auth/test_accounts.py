"""Accounts in a transaction: made whole or not at all, listed, given another password, deleted."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.auth import accounts, refresh
from roadstead.auth.accounts import Accounts
from roadstead.core.access.rights import Visibility
from roadstead.core.errors import Conflict, Failure, Invalid, InvalidName, Unauthorized, UnknownName
from roadstead.index import tables
from roadstead.index.database import touch
from roadstead.index.generation import EVERYTHING
from tests.unit.auth.rig import ADDRESS, AuthRig, password_of


def _audited(rig: AuthRig) -> list[tuple[str, str]]:
    columns = (tables.audit.c.action, tables.audit.c.subject)
    query = sa.select(*columns).order_by(tables.audit.c.id)
    return rig.database.read_now(lambda connection: [(row.action, row.subject) for row in connection.execute(query)])


def test_a_new_account_has_a_handle_a_did_and_a_repository_of_records(rig: AuthRig) -> None:
    alice = rig.account("alice")
    assert (alice.handle, alice.did) == ("alice.localhost", "did:web:alice.localhost")
    assert rig.founded == ["did:web:alice.localhost alice.localhost"]
    assert _audited(rig) == [("account.create", "alice")]


def test_the_host_in_force_names_it(rig: AuthRig) -> None:
    host = {"key": "host", "value": "reg.example.com"}
    rig.write(lambda connection: connection.execute(tables.meta.insert().values(host)))
    assert rig.account("alice").did == "did:web:alice.reg.example.com"


def test_a_name_is_taken_once(rig: AuthRig) -> None:
    rig.account("alice")
    with pytest.raises(Conflict):
        rig.account("alice")
    assert len(rig.founded) == 1


def test_an_account_whose_founding_fails_is_not_there(rig: AuthRig) -> None:
    def fails(_connection: Connection, _id: int, _did: str, _handle: str) -> None:
        raise Failure("no repository")

    with pytest.raises(Failure):
        rig.write(lambda connection: accounts.create(connection, "alice", "x", founder=fails, now_ms=1))
    assert rig.database.read_now(accounts.summaries) == []
    assert _audited(rig) == []


def test_the_list(rig: AuthRig) -> None:
    alice, bob = rig.account("alice"), rig.account("bob")
    for path in ("app", "app/sub"):
        rig.repository(bob, path, Visibility.PUBLIC)
    found = rig.database.read_now(accounts.summaries)
    assert [(one.account, one.repository_count) for one in found] == [(alice, 0), (bob, 2)]


def test_what_a_command_may_not_do(rig: AuthRig) -> None:
    ours = Accounts(rig.database, rig.found, rig.dissolve, rig.clock)
    with pytest.raises(InvalidName):
        ours.create("did-x", "long enough")
    with pytest.raises(Invalid):
        ours.create("alice", "short")
    with pytest.raises(UnknownName):
        ours.set_password("alice", "long enough")
    with pytest.raises(UnknownName):
        ours.delete("alice")
    alice = ours.create("alice", "long enough", Visibility.PRIVATE)
    assert alice.default_visibility is Visibility.PRIVATE
    with pytest.raises(Invalid):
        ours.set_password("alice.localhost", "short")
    assert [one.account for one in ours.summaries()] == [alice]


def test_another_password_ends_what_was_given_for_the_old_one(rig: AuthRig) -> None:
    rig.account("alice")
    ours = Accounts(rig.database, rig.found, rig.dissolve, rig.clock)

    async def scenario() -> None:
        asker = await rig.asker("alice")
        header = b"Bearer " + (await rig.tokens.issue(asker, [])).text.encode()
        secret = rig.write(lambda connection: refresh.issue(connection, asker, "registry", now_ms=rig.clock.now_ms))
        assert (await rig.tokens.authenticate(header)).asker == asker
        await asyncio.to_thread(ours.set_password, "did:web:alice.localhost", "another password")
        with pytest.raises(Unauthorized):
            await rig.tokens.authenticate(header)
        with pytest.raises(Unauthorized):
            await rig.asker("alice")
        with pytest.raises(Unauthorized):
            rig.write(lambda connection: refresh.use(connection, secret, "registry", now_ms=rig.clock.now_ms))
        assert (await rig.login("alice", "another password", ADDRESS)).name == "alice"

    asyncio.run(scenario())
    assert ("account.passwd", "alice") in _audited(rig)


def test_a_deleted_account_is_gone_with_all_it_had_at_once(rig: AuthRig) -> None:
    alice, bob = rig.account("alice"), rig.account("bob")
    rig.repository(alice, "app", Visibility.PUBLIC)
    ours = Accounts(rig.database, rig.found, rig.dissolve, rig.clock)

    async def scenario() -> None:
        token = await rig.tokens.issue(await rig.asker("alice"), [])
        header = b"Bearer " + token.text.encode()
        await rig.tokens.authenticate(header)
        await asyncio.to_thread(ours.delete, "alice.localhost")
        with pytest.raises(Unauthorized):
            await rig.tokens.authenticate(header)
        with pytest.raises(UnknownName):
            await rig.resolver.account("alice")
        with pytest.raises(Unauthorized):
            await rig.login("alice", password_of("alice"), ADDRESS)

    asyncio.run(scenario())
    assert rig.dissolved == [alice.did]
    assert [one.account for one in ours.summaries()] == [bob]
    left = sa.select(sa.func.count()).select_from(tables.repositories)
    assert rig.database.read_now(lambda connection: connection.execute(left).scalar()) == 0
    # Nobody who comes later is taken for who is gone.
    assert rig.account("alice").id not in (alice.id, bob.id)


def test_a_former_host_means_this_server_until_its_time_is_over(rig: AuthRig) -> None:
    alice = rig.account("alice")
    former = {"host": "old.example.com", "public_url": "https://old.example.com", "until_ms": rig.clock.now_ms + 1000}

    def rehost(connection: Connection) -> None:
        connection.execute(tables.host_aliases.insert().values(former))
        touch(connection, EVERYTHING)

    async def scenario() -> None:
        with pytest.raises(UnknownName):
            await rig.resolver.account("alice.old.example.com")
        await rig.database.write(rehost)
        assert await rig.resolver.account("alice.old.example.com") == alice
        assert await rig.resolver.account("did-web-alice.old.example.com") == alice
        rig.clock.now_s += 2
        await rig.database.write(lambda connection: touch(connection, EVERYTHING))
        with pytest.raises(UnknownName):
            await rig.resolver.account("alice.old.example.com")

    asyncio.run(scenario())
