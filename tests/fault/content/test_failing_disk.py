"""A disk that fails, or takes less than it was given: what is acknowledged is there, what is not known is given up."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from roadstead.content.failures import translation
from roadstead.content.intake import BATCH_BYTES
from roadstead.core.errors import StorageFull, Unavailable, UnknownUpload
from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold, patterned

Write = Callable[[int, Sequence[bytes], int], int]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    with Hold(tmp_path) as hold:
        yield hold


def _failing(*_: object) -> int:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_bytes_that_could_not_be_synced_are_given_up(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says once that it lost pages, and then calls them clean: a second try would prove nothing."""
    hold.create("a")
    hold.receive("a", b"content")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", _failing)
        with pytest.raises(Unavailable, match="disk"):
            hold.verify("a", Digest.of(b"content"))
    with pytest.raises(UnknownUpload):
        hold.receive("a", b"")
    assert (hold.sessions(), hold.stored()) == ([], {})


def test_folders_that_could_not_be_synced_are_tried_again(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    hold.create("a")
    hold.receive("a", b"content")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _failing)
        with pytest.raises(Unavailable):
            hold.verify("a", Digest.of(b"content"))
    digest = hold.verify("a", Digest.of(b"content")).digest
    assert hold.read(digest) == b"content"


@pytest.mark.parametrize("good_batches", [0, 1, 2])
def test_a_write_that_fails_keeps_what_came_before(
    hold: Hold, monkeypatch: pytest.MonkeyPatch, good_batches: int
) -> None:
    data = patterned(4 * BATCH_BYTES)
    hold.create("a")
    write: Write = os.pwritev
    left = good_batches

    def failing_later(file: int, buffers: Sequence[bytes], position: int) -> int:
        nonlocal left
        if sum(map(len, buffers)) < BATCH_BYTES:  # a state, not a batch
            return write(file, buffers, position)
        left -= 1
        return _failing() if left < 0 else write(file, buffers, position)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", failing_later)
        with pytest.raises(Unavailable, match="disk"):
            hold.receive("a", data)
    offset = hold.offset("a")
    assert offset >= good_batches * BATCH_BYTES
    assert hold.receive("a", data[offset:]) == len(data)
    assert hold.verify("a", Digest.of(data))


def test_a_disk_that_takes_a_part_of_each_write_gets_the_rest(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    data = patterned(BATCH_BYTES + 12_345)
    write: Write = os.pwritev

    def short(file: int, buffers: Sequence[bytes], position: int) -> int:
        return write(file, [bytes(buffers[0])[: max(1, len(buffers[0]) // 2)]], position)

    hold.create("a")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", short)
        hold.receive("a", data, pieces_of=50_000)
    assert hold.read(hold.verify("a", Digest.of(data)).digest) == data


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_and_a_full_quota_are_the_same(number: int) -> None:
    assert isinstance(translation(OSError(number, os.strerror(number))), StorageFull)


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ESTALE, errno.EMFILE, errno.EACCES])
def test_any_other_failure_is_said_to_be_the_disks(number: int) -> None:
    failure = translation(OSError(number, os.strerror(number)))
    assert isinstance(failure, Unavailable)
    assert os.strerror(number) in failure.message
