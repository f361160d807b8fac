"""A disk that gets full: the error says so, nothing that was there is lost, and the upload goes on later."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadstead.core.errors import StorageFull
from roadstead.core.oci.digest import Digest
from tests.rig import small_disk
from tests.rig.hold import Hold, patterned

MIB = 1024 * 1024


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    with small_disk.mounted(tmp_path / "disk", size_bytes=16 * MIB) as folder, Hold(folder) as hold:
        yield hold


def _fill(hold: Hold, *, leave_bytes: int) -> Path:
    filler = hold.data / "filler"
    filler.write_bytes(b"\0" * (16 * MIB - leave_bytes))
    return filler


def test_the_upload_goes_on_when_there_is_space_again(hold: Hold) -> None:
    content = patterned(8 * MIB)
    known = hold.push(b"here before", "before")
    hold.create("a")
    acknowledged = hold.receive("a", content[:MIB])
    filler = _fill(hold, leave_bytes=4 * MIB)
    with pytest.raises(StorageFull):
        hold.receive("a", content[MIB:])
    offset = hold.offset("a")
    assert acknowledged <= offset < len(content)
    assert hold.read(known) == b"here before"
    with pytest.raises(StorageFull):
        hold.receive("a", content[offset:])
    filler.unlink()
    offset = hold.offset("a")
    assert hold.receive("a", content[offset:]) == len(content)
    verified = hold.verify("a", Digest.of(content))
    assert hold.read(verified.digest) == content


def test_a_whole_blob_that_finds_no_space_leaves_nothing(hold: Hold) -> None:
    filler = _fill(hold, leave_bytes=4 * MIB)
    for size_bytes in (MIB, 6 * MIB):
        content = patterned(size_bytes)
        if size_bytes == MIB:
            filler.unlink()
            filler = _fill(hold, leave_bytes=MIB // 2)
        with pytest.raises(StorageFull):
            hold.receive_whole("a", Digest.of(content), content)
        assert (hold.sessions(), hold.stored()) == ([], {})


def test_a_session_that_cannot_be_created_leaves_nothing(hold: Hold) -> None:
    filler = hold.data / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    with pytest.raises(StorageFull):
        hold.create("a")
    filler.unlink()
    hold.create("a")
    assert hold.receive("a", b"content") == 7
