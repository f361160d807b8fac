"""One contract, two record stores: the PDS, and this server's database for private repositories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.writes import Write
from roadstead.core.errors import Conflict, InvalidRecord
from roadstead.pds.record_store import PdsRecordStore
from roadstead.registry.ports import Change, RecordStore
from roadstead.registry.private_records import PrivateRecordStore
from tests.unit.pds.conftest import BOTH_KINDS, World

TAG = "io.atcr.tag"


@pytest.fixture(params=["pds", "private"])
def store(request: pytest.FixtureRequest, world: World) -> RecordStore:
    return (
        PdsRecordStore(world.database, world.memory) if request.param == "pds" else PrivateRecordStore(world.database)
    )


def tag(rkey: str, **fields: Any) -> Write:
    return Write.put(TAG, rkey, {"$type": TAG, **fields})


def commit(
    world: World,
    store: RecordStore,
    *writes: Write,
    index: Callable[[Connection], None] = lambda _: None,
    account: str = "alice",
) -> None:
    asyncio.run(store.commit(Change(world.account(account), lambda _: writes, index)))


def keys(world: World, store: RecordStore, collection: str = TAG, account: str = "alice") -> list[str]:
    account_id = world.account(account)
    return world.database.read_now(lambda c: [rkey for rkey, _ in store.records(c, account_id, collection)])


def get(world: World, store: RecordStore, rkey: str, collection: str = TAG) -> Any:
    account_id = world.account("alice")
    return world.database.read_now(lambda connection: store.get(connection, account_id, collection, rkey))


@BOTH_KINDS
class TestContract:
    def test_gives_back_what_was_put(self, world: World, store: RecordStore) -> None:
        link = Cid.of_blob(b"content")
        commit(world, store, tag("a", tag="1.0", link=link, raw=b"bytes", many=[1, None, True]))
        expected = {"$type": TAG, "tag": "1.0", "link": link, "raw": b"bytes", "many": [1, None, True]}
        assert get(world, store, "a") == expected

    def test_replaces_and_deletes(self, world: World, store: RecordStore) -> None:
        commit(world, store, tag("a", tag="old"), tag("b", tag="b"))
        commit(world, store, tag("a", tag="new"), Write.discard(TAG, "b"))
        assert get(world, store, "a")["tag"] == "new"
        assert get(world, store, "b") is None
        assert keys(world, store) == ["a"]

    def test_deleting_what_is_not_there_is_fine(self, world: World, store: RecordStore) -> None:
        commit(world, store, Write.discard(TAG, "nothing"))
        assert keys(world, store) == []

    def test_sorts_by_bytes(self, world: World, store: RecordStore) -> None:
        wanted = ["-", ".a", "0", "A", "Z", "_", "a", "a-b", "a.b", "b", "~"]
        commit(world, store, *(tag(rkey) for rkey in reversed(wanted)))
        assert keys(world, store) == wanted

    def test_walks_more_records_than_fit_in_a_batch(self, world: World, store: RecordStore) -> None:
        wanted = [f"{number:04}" for number in range(1100)]
        for start in range(0, len(wanted), 100):
            commit(world, store, *(tag(rkey) for rkey in wanted[start : start + 100]))
        assert keys(world, store) == wanted

    def test_keeps_accounts_and_collections_apart(self, world: World, store: RecordStore) -> None:
        commit(world, store, tag("a", of="alice"))
        commit(world, store, tag("a", of="bob"), account="bob")
        commit(world, store, Write.put("io.atcr.repo.page", "a", {"$type": "io.atcr.repo.page"}))
        assert get(world, store, "a")["of"] == "alice"
        assert keys(world, store, "io.atcr.repo.page") == ["a"]
        assert keys(world, store, "io.atcr.repo.page", "bob") == []

    def test_undoes_all_when_the_index_refuses(self, world: World, store: RecordStore) -> None:
        def refuse(_: Connection) -> None:
            raise Conflict("no")

        with pytest.raises(Conflict):
            commit(world, store, tag("a"), index=refuse)
        assert keys(world, store) == []
        commit(world, store, tag("b"))
        assert keys(world, store) == ["b"]

    def test_prepares_with_what_was_committed_before(self, world: World, store: RecordStore) -> None:
        """Many changes at once, each adding one to what it read: none is lost."""
        account_id = world.account("alice")

        def prepare(connection: Connection) -> Sequence[Write]:
            before = store.get(connection, account_id, TAG, "count")
            return [tag("count", number=(before["number"] if before else 0) + 1)]

        async def all_at_once() -> None:
            changes = [Change(account_id, prepare, lambda _: None) for _ in range(50)]
            await asyncio.gather(*map(store.commit, changes))

        asyncio.run(all_at_once())
        assert get(world, store, "count")["number"] == 50

    @pytest.mark.parametrize(
        "write",
        [
            Write.put(TAG, "a", {"$type": "io.atcr.manifest"}),
            Write.put(TAG, "a", {"$type": TAG, "number": 1.5}),
            Write.put(TAG, "a", {"$type": TAG, "text": "x" * 1_000_001}),
        ],
        ids=["another type", "a float", "too large"],
    )
    def test_refuses_what_is_no_record(self, world: World, store: RecordStore, write: Write) -> None:
        with pytest.raises(InvalidRecord):
            commit(world, store, tag("b"), write)
        assert keys(world, store) == []
