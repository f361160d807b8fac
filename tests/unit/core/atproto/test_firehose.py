"""Frames of the firehose, as the `atproto` SDK reads them, and as whoever trusts nothing verifies them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.atproto.car import read_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.firehose import (
    Frame,
    account_event,
    commit_event,
    error_frame,
    identity_event,
    info_frame,
    sync_event,
)
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.mst import Tree
from roadstead.core.errors import CorruptContent
from tests.rig.referees import sdk_frame
from tests.rig.repository import MemoryRepository, delete, put

NOW = datetime(2026, 3, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
TIME = "2026-03-01T12:00:00.123Z"
DID = Did.of_web("alice.localhost")


def _links(value: object) -> object:
    """A payload with its links as the SDK hands them out: bytes."""
    if isinstance(value, Cid):
        return value.raw
    if isinstance(value, dict):
        return {key: _links(item) for key, item in value.items()}
    return [_links(item) for item in value] if isinstance(value, list) else value


def _both_read(data: bytes) -> Frame:
    """The frame, once the SDK has been seen to read the same."""
    ours, theirs = Frame.decode(data), sdk_frame(data)
    assert theirs.is_message
    assert (theirs.type, theirs.body) == (ours.kind, _links(ours.payload))
    return ours


def test_a_commit_can_be_verified_from_its_frame_alone() -> None:
    """As a relay does by sync 1.1: it knows the last commit's tree by its CID only, and undoes the operations."""
    ours = MemoryRepository()
    ours.commit(*(put(f"io.atcr.tag/app_{number}", number=number) for number in range(120)))
    for number in range(40):
        before = ours.head
        assert before
        result = ours.commit(
            put(f"io.atcr.tag/new_{number}", number=number),
            put(f"io.atcr.tag/app_{number}", number=-number - 1),
            delete(f"io.atcr.tag/app_{100 + number % 20}"),
            *([put(f"io.atcr.tag/app_{100 + number % 20 - 1}")] if number % 20 else []),
        )
        payload = _both_read(commit_event(result, NOW).frame(number + 1)).payload

        assert isinstance(payload["blocks"], bytes)
        roots, blocks = read_car(payload["blocks"])
        assert roots == (payload["commit"],) == (result.head.cid,)
        commit = Commit.decode(blocks[roots[0]])
        commit.verify(ours.key.public_key())
        assert (payload["repo"], payload["rev"]) == (str(commit.did), str(commit.rev))
        undo: dict[str, Cid | None] = {}
        assert isinstance(payload["ops"], list)
        for op in payload["ops"]:
            assert op["cid"] is None or op["cid"] in blocks
            undo[op["path"]] = op.get("prev")
        assert payload["prevData"] == before.data == Tree(commit.data, blocks.__getitem__).apply(undo).root
        assert payload["since"] == str(before.rev)
        assert payload["seq"] == number + 1
        ours.commit(put(f"io.atcr.tag/app_{100 + number % 20}", number=number))


def test_the_fields_of_a_first_commit() -> None:
    ours = MemoryRepository()
    result = ours.commit(put("io.atcr.tag/app_v1", tag="v1"))
    payload = _both_read(commit_event(result, NOW).frame(1)).payload
    assert isinstance(payload.pop("blocks"), bytes)
    assert payload == {
        "seq": 1,
        "rebase": False,
        "tooBig": False,
        "repo": str(ours.did),
        "commit": result.head.cid,
        "rev": str(result.head.rev),
        "since": None,
        "ops": [{"action": "create", "path": "io.atcr.tag/app_v1", "cid": result.cids[0]}],
        "blobs": [],
        "time": TIME,
    }


def test_a_state_without_its_history() -> None:
    ours = MemoryRepository()
    ours.commit(put("io.atcr.tag/app_v1", tag="v1"))
    assert ours.head
    frame = _both_read(sync_event(ours.did, ours.head, ours.blocks[ours.head.cid], NOW).frame(2))
    assert frame.kind == "#sync"
    blocks = frame.payload.pop("blocks")
    assert isinstance(blocks, bytes)
    assert read_car(blocks) == ((ours.head.cid,), {ours.head.cid: ours.blocks[ours.head.cid]})
    assert frame.payload == {"seq": 2, "did": str(ours.did), "rev": str(ours.head.rev), "time": TIME}


def test_accounts_and_identities() -> None:
    assert _both_read(identity_event(DID, Handle.parse("alice.localhost"), NOW).frame(3)) == Frame(
        "#identity", {"seq": 3, "did": str(DID), "handle": "alice.localhost", "time": TIME}
    )
    assert "handle" not in _both_read(identity_event(DID, None, NOW).frame(3)).payload
    assert _both_read(account_event(DID, NOW).frame(4)) == Frame(
        "#account", {"seq": 4, "did": str(DID), "active": True, "time": TIME}
    )
    assert _both_read(account_event(DID, NOW, status="deleted").frame(4)).payload == {
        "seq": 4,
        "did": str(DID),
        "active": False,
        "status": "deleted",
        "time": TIME,
    }


def test_notices_and_errors() -> None:
    assert _both_read(info_frame("OutdatedCursor", "…")) == Frame("#info", {"name": "OutdatedCursor", "message": "…"})
    frame = error_frame("FutureCursor", "not yet")
    assert sdk_frame(frame).is_error
    assert sdk_frame(frame).body.error == "FutureCursor"
    assert Frame.decode(frame) == Frame("", {"error": "FutureCursor", "message": "not yet"})


def test_an_event_is_kept_as_it_is_sent() -> None:
    event = account_event(DID, NOW.astimezone(UTC))
    assert Frame.decode(event.frame(2**53)).payload["seq"] == 2**53
    assert event == account_event(DID, NOW)


@pytest.mark.parametrize("data", [b"", b"\xa0", b"\xa0\xa0", b"\xa1\x62op\x01\xa0", b"\x80\xa0", b"\xa0\xa0\xa0"])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptContent):
        Frame.decode(data)


@given(st.binary(max_size=100), st.integers(0, 500), st.integers(1, 255))
def test_any_bytes_are_a_frame_or_corrupt(data: bytes, index: int, bits: int) -> None:
    changed = bytearray(account_event(DID, NOW).frame(1))
    changed[index % len(changed)] ^= bits
    for fed in (data, bytes(changed)):
        try:
            Frame.decode(fed)
        except CorruptContent:
            continue
