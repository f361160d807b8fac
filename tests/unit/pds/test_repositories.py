"""Commits, as they are stored: sound, signed, undone as a whole, and in the firehose once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.firehose import Frame
from roadstead.core.atproto.nsid import Nsid
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.atproto.repository import CommitResult
from roadstead.core.atproto.writes import Action, Write
from roadstead.core.errors import Conflict, InvalidRecord, UnknownRecord
from roadstead.index.tables import accounts
from roadstead.pds import blobs, events, repositories
from roadstead.pds.memory import Memory, Nodes, private_key
from tests.unit.pds.conftest import BOTH_KINDS, NOW_MS, World

THING = "com.example.thing"


def write(action: Action, rkey: str, **fields: Any) -> Write:
    gone = action in (Action.DELETE, Action.DISCARD)
    return Write(action, Nsid(THING), RecordKey(rkey), None if gone else {"$type": THING, **fields})


def put(rkey: str, **fields: Any) -> Write:
    return write(Action.PUT, rkey, **fields)


def commit(world: World, *writes: Write, name: str = "alice", **options: Any) -> CommitResult:
    account_id = world.account(name)
    return world.database.write_now(
        lambda connection: repositories.commit(
            connection, account_id, writes, now_ms=NOW_MS, memory=world.memory, **options
        )
    )


def frames(world: World) -> list[Frame]:
    numbered = world.database.read_now(lambda connection: events.after(connection, 0, 10_000, 10**9))
    return [Frame.decode(one.event.frame(one.seq)) for one in numbered]


def refs(*contents: bytes) -> list[Mapping[str, Any]]:
    return [BlobRef(Cid.of_blob(content), "text/plain", len(content)).value() for content in contents]


def keep(world: World, *contents: bytes, name: str = "alice") -> None:
    account_id = world.account(name)
    kept = [BlobRef(Cid.of_blob(content), "text/plain", len(content)) for content in contents]
    world.database.write_now(lambda connection: blobs.keep(connection, account_id, kept, NOW_MS))


def served(world: World, content: bytes, name: str = "alice") -> bool:
    account_id = world.account(name)
    cid = Cid.of_blob(content)
    return world.database.read_now(lambda connection: blobs.served(connection, account_id, cid)) is not None


@BOTH_KINDS
class TestCommit:
    def test_is_signed_by_the_account_and_grows(self, world: World) -> None:
        revs = []
        for number in range(3):
            commit(world, put("a", number=number))
            there = world.hosted("alice")
            signed = Commit.decode(there.commit_block)
            signed.verify(private_key(there.private_key_pem).public_key())
            assert (signed.did, signed.data, signed.rev) == (there.did, there.head.data, there.head.rev)
            revs.append(there.head.rev)
        assert revs == sorted(set(revs))

    def test_leaves_a_sound_tree_after_random_writes(self, world: World) -> None:
        chance = random.Random(7)
        expected: dict[str, int] = {}
        for number in range(60):
            keys = {f"{chance.randrange(80):02}" for _ in range(chance.randrange(1, 12))}
            writes = []
            for key in sorted(keys):
                if key in expected and chance.random() < 0.5:
                    del expected[key]
                    writes.append(write(Action.DELETE, key))
                else:
                    expected[key] = number
                    writes.append(put(key, number=number))
            commit(world, *writes)
        assert world.leaves("alice").keys() == {f"{THING}/{key}" for key in expected}

    def test_works_without_anything_remembered(self, world: World) -> None:
        for number in range(40):
            world.memory = Memory()
            world.memory.nodes = Nodes(limit=2)
            commit(world, put(f"{number}", number=number), put("same", number=number))
        assert len(world.leaves("alice")) == 41

    def test_of_nothing_new_is_none(self, world: World) -> None:
        commit(world, put("a", number=1))
        before = world.hosted("alice").head
        result = commit(world, put("a", number=1), write(Action.DISCARD, "b"))
        assert not result.changed
        assert world.hosted("alice").head == before

    @pytest.mark.parametrize(
        ("bad", "error"),
        [
            (write(Action.CREATE, "a"), Conflict),
            (write(Action.UPDATE, "missing"), UnknownRecord),
            (write(Action.DELETE, "missing"), UnknownRecord),
            (Write(Action.PUT, Nsid(THING), RecordKey("a"), {"$type": THING}, swap_record=None), Conflict),
            (put("x", blob=refs(b"nowhere")[0]), InvalidRecord),
        ],
        ids=["create again", "update nothing", "delete nothing", "swap", "a blob that is not there"],
    )
    def test_is_all_or_nothing(self, world: World, bad: Write, error: type[Exception]) -> None:
        commit(world, put("a", number=1))
        before, count = world.hosted("alice"), len(frames(world))
        with pytest.raises(error):
            commit(world, put("b"), bad)
        assert world.hosted("alice") == before
        assert len(frames(world)) == count
        assert world.leaves("alice").keys() == {f"{THING}/a"}

    def test_swaps_only_the_head_that_was_seen(self, world: World) -> None:
        seen = commit(world, put("a")).head.cid
        commit(world, put("b"), swap_commit=seen)
        with pytest.raises(Conflict):
            commit(world, put("c"), swap_commit=seen)

    def test_of_an_account_that_is_gone_is_refused(self, world: World) -> None:
        account_id = world.account("alice")
        world.database.write_now(lambda c: c.execute(accounts.delete().where(accounts.c.id == account_id)) and None)
        with pytest.raises(UnknownRecord):
            commit(world, put("a"))

    def test_undone_with_its_transaction_leaves_nothing_remembered_wrong(self, world: World) -> None:
        def refused(connection: Connection) -> None:
            repositories.commit(connection, world.account("alice"), [put("a")], now_ms=NOW_MS, memory=world.memory)
            raise Conflict("no")

        world.account("alice")
        with pytest.raises(Conflict):
            world.database.write_now(refused)
        commit(world, put("b"))
        assert world.leaves("alice").keys() == {f"{THING}/b"}


@BOTH_KINDS
class TestFirehose:
    def test_tells_of_a_new_account_in_order(self, world: World) -> None:
        world.account("alice")
        assert [frame.kind for frame in frames(world)] == ["#identity", "#account", "#commit"]

    def test_tells_of_each_commit_once_with_its_predecessor(self, world: World) -> None:
        results = [commit(world, put("a", number=number), put(f"b{number}")) for number in range(3)]
        told = [frame.payload for frame in frames(world) if frame.kind == "#commit"][1:]
        assert [one["commit"] for one in told] == [result.head.cid for result in results]
        assert [one["since"] for one in told[1:]] == [str(result.head.rev) for result in results[:-1]]
        assert [one["prevData"] for one in told[1:]] == [result.head.data for result in results[:-1]]
        numbers = [one["seq"] for one in told]
        assert numbers == sorted(numbers)  # type: ignore[type-var]  # payloads hold any value

    def test_says_goodbye_for_an_account(self, world: World) -> None:
        account_id = world.account("alice")

        def work(connection: Connection) -> None:
            repositories.dissolve(connection, account_id, "did:web:alice.localhost", now_ms=NOW_MS)
            connection.execute(accounts.delete().where(accounts.c.id == account_id))

        world.database.write_now(work)
        (last,) = frames(world)
        assert (last.kind, last.payload["active"], last.payload["status"]) == ("#account", False, "deleted")


@BOTH_KINDS
class TestBlobs:
    def test_are_served_only_while_a_record_needs_them(self, world: World) -> None:
        keep(world, b"one", b"two")
        assert not served(world, b"one")
        commit(world, put("a", image=refs(b"one")[0]), put("b", images=refs(b"one", b"two")))
        assert served(world, b"one")
        commit(world, write(Action.DELETE, "a"))
        assert served(world, b"one"), "another record still needs it"
        commit(world, put("b", images=refs(b"two")))
        assert not served(world, b"one")
        assert served(world, b"two")

    def test_of_one_account_are_not_anothers(self, world: World) -> None:
        keep(world, b"one")
        with pytest.raises(InvalidRecord):
            commit(world, put("a", image=refs(b"one")[0]), name="bob")
        commit(world, put("a", image=refs(b"one")[0]))
        assert not served(world, b"one", name="bob")

    def test_are_listed_in_order(self, world: World) -> None:
        contents: Sequence[bytes] = [b"%d" % number for number in range(10)]
        keep(world, *contents)
        results = [commit(world, put(f"{number}", image=refs(content)[0])) for number, content in enumerate(contents)]
        account_id = world.account("alice")

        def listed(since: str | None, after: bytes, limit: int) -> list[Cid]:
            return world.database.read_now(lambda c: blobs.page(c, account_id, since, after, limit))

        everything = sorted(map(Cid.of_blob, contents))
        assert listed(None, b"", 100) == everything
        assert listed(None, everything[3].raw, 3) == everything[4:7]
        assert listed(str(results[7].head.rev), b"", 100) == sorted(map(Cid.of_blob, contents[8:]))
