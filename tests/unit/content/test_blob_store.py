"""The contract of every `BlobStore`. Another driver joins by its own `hold` fixture."""

from pathlib import Path

import pytest

from roadstead.core.errors import CorruptContent, UnknownBlob
from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold, patterned
from tests.sizes import SIZES, Size

ABSENT = Digest.of(b"nobody has this")


@pytest.fixture
def source(tmp_path: Path, hold: Hold) -> Path:
    path = hold.data / "uploads" / "source"
    path.write_bytes(b"content")
    return path


CONTENT = Digest.of(b"content")


def test_what_is_not_there(hold: Hold) -> None:
    assert hold.store.stat(ABSENT) is None
    assert hold.store.check(ABSENT) is None
    assert not hold.store.remove(ABSENT)
    assert hold.stored() == {}
    with pytest.raises(UnknownBlob):
        hold.read(ABSENT)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_was_pushed_is_read(hold: Hold, size: Size) -> None:
    data = patterned(size.size_bytes)
    digest = hold.push(data)
    assert hold.store.stat(digest) == len(data)
    assert hold.read(digest) == data
    assert hold.read(digest, len(data) // 3, len(data) // 2) == data[len(data) // 3 :][: len(data) // 2]
    assert hold.stored() == {digest: len(data)}


def test_publishing_is_idempotent(hold: Hold, source: Path) -> None:
    hold.store.publish(source, CONTENT)
    hold.store.publish(source, CONTENT)
    assert hold.read(CONTENT) == b"content"
    assert source.read_bytes() == b"content", "the source keeps its name"


def test_publishing_heals_what_is_cut_short(hold: Hold, source: Path) -> None:
    path = hold.store.path(hold.push(b"content"))
    assert path is not None
    path.write_bytes(b"con")
    assert hold.store.stat(CONTENT) == 3
    hold.store.publish(source, CONTENT)
    assert hold.read(CONTENT) == b"content"


def test_publishing_heals_what_is_corrupt_at_the_same_size(hold: Hold, source: Path) -> None:
    path = hold.store.path(hold.push(b"content"))
    assert path is not None
    path.write_bytes(b"CONTENT")
    hold.store.publish(source, CONTENT)
    assert hold.read(CONTENT) == b"content"


def test_what_is_removed_is_gone(hold: Hold) -> None:
    digest, other = hold.push(b"content"), hold.push(b"other", "b")
    assert hold.store.remove(digest)
    assert hold.store.stat(digest) is None
    assert not hold.store.remove(digest)
    assert hold.stored() == {other: 5}


def test_who_has_it_open_reads_on_when_it_is_removed(hold: Hold) -> None:
    digest = hold.push(b"content")

    async def request() -> bytes:
        async with hold.store.open(digest) as content:
            hold.store.remove(digest)
            return b"".join([piece async for piece in content.read()])

    assert hold.run(request()) == b"content"


def test_a_reader_that_goes_away_leaves_the_rest_unread(hold: Hold) -> None:
    data = patterned(3_000_000)
    digest = hold.push(data)

    async def request() -> bytes:
        async with hold.store.open(digest) as content:
            async for _piece in content.read():
                break
            return b"".join([piece async for piece in content.read(2_999_990)])

    assert hold.run(request()) == data[-10:]


def test_reading_past_an_end_that_came_too_early_is_an_error(hold: Hold) -> None:
    digest = hold.push(b"content")
    path = hold.store.path(digest)
    assert path is not None

    async def request() -> None:
        async with hold.store.open(digest) as content:
            path.write_bytes(b"con")
            async for _piece in content.read():
                pass

    with pytest.raises(CorruptContent, match="byte 3"):
        hold.run(request())


def test_only_its_own_publication_is_withdrawn(hold: Hold, source: Path) -> None:
    hold.push(b"content")
    assert not hold.store.withdraw(source, CONTENT), "somebody else put this there"
    hold.store.publish(source, CONTENT)
    assert hold.store.withdraw(source, CONTENT)
    assert hold.store.stat(CONTENT) is None
    assert not hold.store.withdraw(source, CONTENT)


def test_a_check_tells_intact_from_corrupt(hold: Hold) -> None:
    data = patterned(3_000_000)
    digest = hold.push(data)
    check = hold.store.check(digest)
    assert check is not None
    assert (check.intact, check.size_bytes) == (True, len(data))
    path = hold.store.path(digest)
    assert path is not None
    path.write_bytes(data[:-1] + b"x")
    check = hold.store.check(digest)
    assert check is not None
    assert not check.intact


def test_what_is_quarantined_is_absent_until_pushed_again(hold: Hold) -> None:
    path = hold.store.path(hold.push(b"content"))
    assert path is not None
    path.write_bytes(b"CONTENT")
    check = hold.store.check(CONTENT)
    assert check is not None
    assert hold.store.quarantine(check)
    assert hold.store.stat(CONTENT) is None
    assert [aside.read_bytes() for aside in (hold.data / "quarantine").iterdir()] == [b"CONTENT"]
    hold.push(b"content")
    assert hold.read(CONTENT) == b"content"


def test_bytes_that_were_healed_since_the_check_are_not_quarantined(hold: Hold, source: Path) -> None:
    path = hold.store.path(hold.push(b"content"))
    assert path is not None
    path.write_bytes(b"CONTENT")
    check = hold.store.check(CONTENT)
    assert check is not None
    hold.store.publish(source, CONTENT)
    assert not hold.store.quarantine(check)
    assert hold.read(CONTENT) == b"content"


def test_all_that_is_stored_is_listed_in_order(hold: Hold) -> None:
    expected = {hold.push(bytes([index])): 1 for index in range(20)}
    expected[hold.push(b"long", algorithm="sha512")] = 4
    assert hold.stored() == expected
    assert list(map(str, hold.stored())) == sorted(map(str, expected))
