"""What a commit makes of writes, and when it refuses to."""

from collections.abc import Callable

import pytest

from roadstead.core.atproto.car import car_bytes
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.dagcbor import encode
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.mst import EMPTY_ROOT
from roadstead.core.atproto.multikey import signer
from roadstead.core.atproto.recordkey import RecordKey
from roadstead.core.atproto.repository import MAX_COMMIT_BYTES, plan_commit
from roadstead.core.atproto.tid import Tid
from roadstead.core.atproto.writes import MAX_RECORD_BYTES, MAX_WRITES, Action, Write
from roadstead.core.errors import Conflict, InvalidRecord, RoadsteadError, UnknownRecord
from tests.rig.repository import MemoryRepository, delete, put, write

TAG = "io.atcr.tag/app_v1"
OTHER = "io.atcr.tag/app_v2"


@pytest.fixture
def repository() -> MemoryRepository:
    """With one record, at `TAG`."""
    ours = MemoryRepository()
    ours.commit(put(TAG, tag="v1"))
    return ours


def test_a_repository_begins_empty() -> None:
    ours = MemoryRepository()
    result = ours.commit()
    assert result.changed
    assert (result.previous, result.head.data, result.ops) == (None, EMPTY_ROOT, ())
    assert result.new_blocks.keys() == {result.head.cid, EMPTY_ROOT}
    assert ours.records() == {}
    assert ours.commit(put(TAG, tag="v1")).removed_nodes == {result.head.cid, EMPTY_ROOT}


def test_a_repository_may_begin_with_records(repository: MemoryRepository) -> None:
    assert repository.records() == {TAG: {"$type": "io.atcr.tag", "tag": "v1"}}
    assert EMPTY_ROOT not in repository.blocks


def test_a_commit_is_signed_and_follows_the_one_before(repository: MemoryRepository) -> None:
    before = repository.head
    result = repository.commit(put(OTHER, tag="v2"))
    commit = Commit.decode(repository.blocks[result.head.cid])
    commit.verify(repository.key.public_key())
    assert (commit.did, commit.data, commit.rev) == (repository.did, result.head.data, result.head.rev)
    assert result.previous == before
    assert before
    assert result.head.rev > before.rev


def test_a_batch_is_one_commit_that_says_what_each_write_did(repository: MemoryRepository) -> None:
    repository.commit(put(OTHER, tag="v2"))
    was = dict(repository.tree.leaves())
    result = repository.commit(delete(OTHER), put("io.atcr.tag/app_v3", tag="v3"), put(TAG, tag="v1", again=True))
    now = dict(repository.tree.leaves())
    assert [(op.action, op.path, op.cid, op.prev) for op in result.ops] == [
        (Action.DELETE, OTHER, None, was[OTHER]),
        (Action.CREATE, "io.atcr.tag/app_v3", now["io.atcr.tag/app_v3"], None),
        (Action.UPDATE, TAG, now[TAG], was[TAG]),
    ]
    assert result.cids == (None, now["io.atcr.tag/app_v3"], now[TAG])
    assert result.removed_records == {was[OTHER], was[TAG]}


def test_the_store_holds_the_repository_and_nothing_else(repository: MemoryRepository) -> None:
    for number in range(60):
        repository.commit(put(f"io.atcr.tag/app_{number % 25}", number=number), put(TAG, number=number))
        if number % 4 == 0:
            repository.commit(delete(f"io.atcr.tag/app_{number % 25}"))
    assert repository.head
    wanted = {repository.head.cid, *dict(repository.tree.nodes()), *dict(repository.tree.leaves()).values()}
    assert repository.blocks.keys() == wanted


def test_a_write_of_what_is_there_is_no_commit(repository: MemoryRepository) -> None:
    result = repository.plan([put(TAG, tag="v1"), write(Action.DISCARD, OTHER)])
    assert not result.changed
    assert (result.new_blocks, result.diff, result.ops) == ({}, {}, ())
    assert result.cids == (repository.tree.find(TAG), None)


def test_a_new_key_or_did_signs_again(repository: MemoryRepository) -> None:
    assert repository.head
    result = plan_commit(
        repository.did,
        repository.head,
        [],
        repository.blocks.__getitem__,
        rev=Tid.after(repository.head.rev, 0, 1),
        sign=signer(repository.key),
        resign=True,
    )
    assert result.changed
    assert result.head.data == repository.head.data
    assert result.new_blocks.keys() == {result.head.cid}
    assert result.removed_nodes == {repository.head.cid}


def test_records_of_one_content_are_one_block(repository: MemoryRepository) -> None:
    repository.commit(put(OTHER, tag="v1"))
    result = repository.commit(delete(OTHER))
    # Whoever stores this has to see that another path still names it.
    assert result.removed_records == {repository.tree.find(TAG)}
    assert repository.records().keys() == {TAG}


def test_the_blobs_of_records_are_told() -> None:
    blob = BlobRef(Cid.of_blob(b"manifest"), "application/json", 8)
    result = MemoryRepository().plan([put(TAG, manifestBlob=blob.value(), more=[blob.value()])])
    assert result.blobs == (blob.cid,)


@pytest.mark.parametrize(
    ("writes", "error"),
    [
        ([write(Action.CREATE, TAG, {})], Conflict),
        ([write(Action.UPDATE, OTHER, {})], UnknownRecord),
        ([delete(OTHER)], UnknownRecord),
        ([put(TAG, tag="v2"), delete(TAG)], InvalidRecord),
        ([Write(Action.PUT, put(TAG).collection, put(TAG).rkey, {"$type": "io.atcr.manifest"})], InvalidRecord),
        ([Write(Action.PUT, put(TAG).collection, put(TAG).rkey, {})], InvalidRecord),
        ([write(Action.PUT, TAG)], InvalidRecord),
        ([write(Action.DELETE, TAG, {})], InvalidRecord),
        ([write(Action.DISCARD, OTHER, {})], InvalidRecord),
        ([put(TAG, fraction=1.5)], InvalidRecord),  # type: ignore[arg-type]  # the point
        ([put(TAG, image={"$type": "blob"})], InvalidRecord),
        ([put(TAG, large="a" * MAX_RECORD_BYTES)], InvalidRecord),
        ([put(f"a.b.c/{number}", large="a" * 900_000, number=number) for number in range(3)], InvalidRecord),
        ([put(f"a.b.c/{number}") for number in range(MAX_WRITES + 1)], InvalidRecord),
        ([Write(Action.PUT, put(TAG).collection, RecordKey("a/b"), {"$type": "io.atcr.tag"})], InvalidRecord),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_wrong_write_changes_nothing(
    repository: MemoryRepository, writes: list[Write], error: type[RoadsteadError]
) -> None:
    with pytest.raises(error):
        repository.plan([put("io.atcr.tag/beside", tag="x"), *writes])


def test_as_many_writes_as_are_allowed_are_one_commit(repository: MemoryRepository) -> None:
    result = repository.commit(*(put(f"a.b.c/{number}", number=number) for number in range(MAX_WRITES)))
    assert len(result.ops) == MAX_WRITES


def test_another_commit_in_between_is_a_conflict(repository: MemoryRepository) -> None:
    seen = repository.head
    assert seen
    repository.plan([put(OTHER, tag="v2")], swap_commit=seen.cid)
    repository.commit(put(OTHER, tag="v2"))
    with pytest.raises(Conflict):
        repository.plan([put(OTHER, tag="v3")], swap_commit=seen.cid)
    with pytest.raises(Conflict):
        MemoryRepository().plan([put(OTHER, tag="v3")], swap_commit=seen.cid)


@pytest.mark.parametrize("make", [lambda seen: seen, lambda _: None, lambda _: Cid.of_record(b"other")])
def test_another_record_than_expected_is_a_conflict(
    repository: MemoryRepository, make: Callable[[Cid], Cid | None]
) -> None:
    seen = Cid.of_record(encode({"$type": "io.atcr.tag", "tag": "v1"}))
    expected = make(seen)
    for path, actual in ((TAG, seen), (OTHER, None)):
        one = put(path, tag="new")
        expecting = Write(Action.PUT, one.collection, one.rkey, one.record, swap_record=expected)
        if expected == actual:
            assert repository.plan([expecting]).changed
        else:
            with pytest.raises(Conflict):
                repository.plan([expecting])


def test_a_revision_that_does_not_come_after_is_a_conflict(repository: MemoryRepository) -> None:
    repository.rev = None
    with pytest.raises(Conflict):
        repository.plan([put(OTHER, tag="v2")])


def test_a_commit_is_as_large_as_the_file_that_carries_it(repository: MemoryRepository) -> None:
    def writes(last: int) -> list[Write]:
        return [
            put(f"io.atcr.tag/{number}", text=f"{number}" * size)
            for number, size in enumerate((650_000, 650_000, last))
        ]

    assert repository.head
    small = repository.plan(writes(650_000))
    left = MAX_COMMIT_BYTES - len(car_bytes(small.head.cid, small.diff))
    largest = repository.plan(writes(650_000 + left))
    assert len(car_bytes(largest.head.cid, largest.diff)) == MAX_COMMIT_BYTES
    with pytest.raises(InvalidRecord, match="too large"):
        repository.plan(writes(650_000 + left + 1))
