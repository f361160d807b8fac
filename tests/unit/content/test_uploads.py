"""Upload sessions: what requests can do with them, one after another and at once."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from roadstead.content.intake import BATCH_BYTES
from roadstead.content.session import WRITE_BACK_BYTES
from roadstead.core.errors import Conflict, InvalidDigest, InvalidUpload, UnknownUpload
from roadstead.core.oci.digest import Digest
from tests.rig.hold import ClientGone, Hold, body, patterned
from tests.sizes import SIZES, Size


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_one_request_and_its_closing(hold: Hold, size: Size, algorithm: str) -> None:
    data = patterned(size.size_bytes)
    hold.create("a", algorithm)
    assert hold.receive("a", data) == len(data)
    verified = hold.verify("a", Digest.of(data, algorithm))
    assert (verified.upload_id, verified.size_bytes) == ("a", len(data))
    hold.uploads.publish(verified)
    hold.run(hold.uploads.finish(verified))
    assert hold.read(verified.digest) == data
    assert hold.sessions() == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_whole_blob_in_one_request(hold: Hold, size: Size) -> None:
    data = patterned(size.size_bytes)
    assert hold.read(hold.push(data)) == data
    assert hold.sessions() == []


@pytest.mark.parametrize("size_bytes", [10, BATCH_BYTES + 1])
def test_a_whole_blob_with_another_digest_leaves_nothing(hold: Hold, size_bytes: int) -> None:
    with pytest.raises(InvalidDigest, match=str(Digest.of(b"other"))):
        hold.receive_whole("a", Digest.of(b"other"), patterned(size_bytes))
    assert (hold.sessions(), hold.stored()) == ([], {})


@pytest.mark.parametrize("size_bytes", [10, BATCH_BYTES + 1])
def test_a_whole_blob_whose_sender_goes_away_leaves_nothing(hold: Hold, size_bytes: int) -> None:
    data = patterned(size_bytes)
    with pytest.raises(ClientGone):
        hold.receive_whole("a", Digest.of(data), data, gone=True)
    assert (hold.sessions(), hold.stored()) == ([], {})


def test_any_process_continues_without_reading_again(hold: Hold, other: Hold) -> None:
    """The bytes on disk are changed behind its back: had they been read again, the digest would show it."""
    data = patterned(300_000)
    hold.create("a")
    for turn, start in enumerate(range(0, len(data), 100_000)):
        by = (hold, other)[turn % 2]
        assert by.offset("a") == start
        assert by.receive("a", data[start : start + 100_000]) == start + 100_000
        (hold.data / "uploads/a/data").write_bytes(b"\0" * (start + 100_000))
    assert other.verify("a", Digest.of(data)).size_bytes == len(data)


@pytest.mark.usefixtures("no_libcrypto")
def test_without_libcrypto_the_same_process_does_not_read_again(hold: Hold) -> None:
    data = patterned(300_000)
    hold.create("a")
    for start in range(0, len(data), 100_000):
        hold.receive("a", data[start : start + 100_000])
        (hold.data / "uploads/a/data").write_bytes(b"\0" * (start + 100_000))
    assert hold.verify("a", Digest.of(data)).size_bytes == len(data)


@pytest.mark.usefixtures("no_libcrypto")
def test_without_libcrypto_another_process_continues(hold: Hold, other: Hold) -> None:
    data = patterned(300_000)
    hold.create("a")
    hold.receive("a", data[:1])
    other.receive("a", data[1:200_000])
    hold.receive("a", data[200_000:])
    assert other.verify("a", Digest.of(data)).size_bytes == len(data)


def test_the_closing_digest_may_be_of_another_algorithm(hold: Hold) -> None:
    data = patterned(3_000_000)
    hold.create("a", "sha256")
    hold.receive("a", data)
    verified = hold.verify("a", Digest.of(data, "sha512"))
    assert hold.read(verified.digest) == data


def test_a_wrong_digest_ends_the_session(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    with pytest.raises(InvalidDigest, match=str(Digest.of(b"content"))):
        hold.verify("a", Digest.of(b"other"))
    with pytest.raises(UnknownUpload):
        hold.offset("a")
    assert (hold.sessions(), hold.stored()) == ([], {})


@pytest.mark.parametrize("size_bytes", [1, BATCH_BYTES, 2 * BATCH_BYTES + 1, WRITE_BACK_BYTES + 5])
def test_what_came_before_the_sender_went_away_is_kept(hold: Hold, size_bytes: int) -> None:
    data = patterned(size_bytes)
    hold.create("a")
    with pytest.raises(ClientGone):
        hold.receive("a", data, gone=True)
    assert hold.offset("a") == size_bytes
    hold.receive("a", b"and the rest")
    assert hold.verify("a", Digest.of(data + b"and the rest"))


def test_a_request_that_is_cancelled_keeps_what_came_and_lets_go(hold: Hold, other: Hold) -> None:
    data = patterned(3 * BATCH_BYTES)

    async def stalled(waiting: asyncio.Event) -> AsyncIterator[bytes]:
        async for piece in body(data):
            yield piece
        waiting.set()
        await asyncio.Event().wait()

    async def receive(waiting: asyncio.Event) -> None:
        async with hold.uploads.open("a") as upload:
            await upload.receive(stalled(waiting))

    async def cancelled() -> None:
        waiting = asyncio.Event()
        task = asyncio.create_task(receive(waiting))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    hold.create("a")
    hold.run(cancelled())
    assert other.offset("a") == len(data)
    assert other.verify("a", Digest.of(data))


@pytest.mark.parametrize("sent", [0, 9, 11, 3 * BATCH_BYTES])
def test_a_chunk_of_another_length_than_its_range_changes_nothing(hold: Hold, sent: int) -> None:
    hold.create("a")
    hold.receive("a", b"before ")
    with pytest.raises(InvalidUpload, match="10 bytes"):
        hold.receive("a", patterned(sent), expected_bytes=10)
    assert hold.offset("a") == 7
    assert hold.receive("a", b"and after.", expected_bytes=10) == 17
    assert hold.verify("a", Digest.of(b"before and after."))


def test_a_session_is_one_requests_at_a_time(hold: Hold, other: Hold) -> None:
    async def both() -> None:
        async with hold.uploads.open("a"):
            with pytest.raises(Conflict, match="upload session a"):
                async with other.uploads.open("a"):
                    pass
            assert await other.uploads.offset("a") == 0, "looking needs no lock"
            assert not other.uploads.sweep("a", lambda _digest: False)

    hold.create("a")
    hold.run(both())
    assert other.receive("a", b"now it can") == 10


def test_the_next_request_waits_for_the_one_before(hold: Hold) -> None:
    async def both() -> int:
        async with hold.uploads.open("a") as first:
            second = asyncio.create_task(append(b"second"))
            await first.receive(body(b"first "))
        return await second

    async def append(data: bytes) -> int:
        async with hold.uploads.open("a") as upload:
            return await upload.receive(body(data))

    hold.create("a")
    assert hold.run(both()) == 12
    assert hold.verify("a", Digest.of(b"first second"))


@pytest.mark.parametrize("upload_id", ["absent", "..", "a/b", "", "x" * 129, ".hidden", "a\0b"])
def test_an_unknown_session(hold: Hold, upload_id: str) -> None:
    with pytest.raises(UnknownUpload):
        hold.offset(upload_id)
    with pytest.raises(UnknownUpload):
        hold.receive(upload_id, b"")
    with pytest.raises(UnknownUpload):
        hold.verify(upload_id, Digest.of(b""))
    with pytest.raises(UnknownUpload):
        hold.uploads.sweep(upload_id, lambda _digest: False) and hold.offset(upload_id)


def test_a_session_is_created_once(hold: Hold) -> None:
    hold.create("a")
    with pytest.raises(Conflict):
        hold.create("a")
    with pytest.raises(InvalidDigest):
        hold.create("b", "md5")
    assert hold.sessions() == ["a"]


def test_a_cancelled_session_is_gone(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    hold.run(hold.uploads.cancel("a"))
    hold.run(hold.uploads.cancel("a"))
    with pytest.raises(UnknownUpload):
        hold.receive("a", b"more")
    assert hold.sessions() == []


def test_a_verified_session_takes_no_more_bytes(hold: Hold) -> None:
    """Its file is the stored one: another byte would corrupt what others may already have pushed too."""
    hold.create("a")
    hold.receive("a", b"content")
    digest = hold.verify("a", Digest.of(b"content")).digest
    with pytest.raises(InvalidUpload, match="complete"):
        hold.receive("a", b"more")
    with pytest.raises(InvalidUpload, match="complete"):
        hold.receive("a", b"more", expected_bytes=4)
    assert hold.read(digest) == b"content"
    assert hold.verify("a", digest).size_bytes == 7, "closing it again is what a client does after a 503"


def test_a_file_with_a_second_name_is_not_cut_by_an_older_state(hold: Hold, other: Hold) -> None:
    """A machine's crash may keep the link and lose the state's last rename."""
    hold.create("a")
    older = (hold.data / "uploads/a/state").read_bytes()
    hold.receive("a", b"content")
    digest = hold.verify("a", Digest.of(b"content")).digest
    (hold.data / "uploads/a/state").write_bytes(older)
    assert other.receive("a", b"") == 7
    assert other.read(digest) == b"content"


def test_what_a_garbage_collection_took_meanwhile_is_put_back(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    verified = hold.verify("a", Digest.of(b"content"))
    hold.store.remove(verified.digest)
    hold.uploads.publish(verified)
    assert hold.read(verified.digest) == b"content"


def test_idle_sessions_are_those_before_the_moment(hold: Hold) -> None:
    hold.create("old")
    hold.create("new")
    os.utime(hold.data / "uploads/old/state", (1000, 1000))
    assert list(hold.uploads.idle(1_000_000)) == []
    assert list(hold.uploads.idle(1_000_001)) == ["old"]
    hold.receive("old", b"active again")
    assert list(hold.uploads.idle(1_000_001)) == []


def test_a_sweep_withdraws_what_nobody_knows(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    hold.verify("a", Digest.of(b"content"))
    hold.verify("a", Digest.of(b"content", "sha512"))
    hold.run(hold.uploads.cancel("a"))
    with pytest.raises(UnknownUpload):
        hold.receive("a", b"")
    hold.sweep()
    assert (hold.sessions(), hold.stored()) == ([], {})


def test_a_sweep_keeps_what_the_index_knows(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    digest = hold.verify("a", Digest.of(b"content")).digest
    hold.sweep(lambda known: known == digest)
    assert (hold.sessions(), hold.stored()) == ([], {digest: 7})


def test_a_sweep_keeps_what_somebody_else_stored(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    hold.verify("a", Digest.of(b"content"))
    digest = hold.push(b"content", "b")
    hold.sweep()
    assert (hold.sessions(), hold.stored()) == ([], {digest: 7})


def test_a_sweep_knows_a_publication_whose_state_was_lost(hold: Hold) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    hold.verify("a", Digest.of(b"content"))
    (hold.data / "uploads/a/state").write_bytes(b"")
    hold.sweep()
    assert (hold.sessions(), hold.stored()) == ([], {})


def test_a_sweep_clears_what_a_kill_left_of_a_creation_or_a_removal(hold: Hold) -> None:
    (hold.data / "uploads/bare").mkdir()
    (hold.data / "uploads/stateless").mkdir()
    (hold.data / "uploads/stateless/data").write_bytes(b"content")
    with pytest.raises(UnknownUpload):
        hold.receive("stateless", b"")
    hold.sweep()
    assert hold.sessions() == []
