"""Sessions whose machine went down: what the state says is believed no more than the bytes that are there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold, patterned

Start = Callable[..., Hold]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Hold] = []

    def hold(boot: str, **terms: bool) -> Hold:
        started.append(Hold(tmp_path / "data", boot=boot, **terms))
        return started[-1]

    yield hold
    for one in started:
        one.close()


def test_bytes_that_were_lost_have_to_be_sent_again(start: Start) -> None:
    data = patterned(500_000)
    before = start("first boot")
    before.create("a")
    before.receive("a", data[:400_000])
    (before.data / "uploads/a/data").write_bytes(data[:123_456])
    after = start("second boot")
    assert after.offset("a") == 123_456
    assert after.receive("a", data[123_456:]) == len(data)
    assert after.verify("a", Digest.of(data))


def test_bytes_that_came_back_otherwise_do_not_pass(start: Start) -> None:
    """Blocks that were allocated and never written read as zeros on some file systems."""
    data = patterned(10_000)
    before = start("first boot")
    before.create("a")
    before.receive("a", data)
    zeros = b"\0" * len(data)
    (before.data / "uploads/a/data").write_bytes(zeros)
    after = start("second boot")
    assert after.receive("a", b"") == len(data)
    assert after.verify("a", Digest.of(zeros))


def test_a_state_that_was_lost_counts_what_is_there(start: Start) -> None:
    data = patterned(10_000)
    before = start("first boot")
    before.create("a")
    before.receive("a", data)
    (before.data / "uploads/a/state").write_bytes(b"")
    after = start("second boot")
    assert after.offset("a") == len(data)
    assert after.verify("a", Digest.of(data))


def test_bytes_that_no_state_counts_are_cut_off(start: Start) -> None:
    hold = start("first boot")
    hold.create("a")
    hold.receive("a", b"counted")
    with (hold.data / "uploads/a/data").open("ab") as file:
        file.write(b" not counted")
    assert hold.offset("a") == 7
    assert hold.receive("a", b", more") == 13
    assert hold.verify("a", Digest.of(b"counted, more"))


def test_on_shared_storage_another_machine_does_not_read_again(start: Start) -> None:
    """As in test_uploads: bytes changed behind its back would show in the digest."""
    data = patterned(300_000)
    replicas = start("one machine", shared=True), start("another machine", shared=True)
    replicas[0].create("a")
    for turn, offset in enumerate(range(0, len(data), 100_000)):
        replicas[turn % 2].receive("a", data[offset : offset + 100_000])
        (replicas[0].data / "uploads/a/data").write_bytes(b"\0" * (offset + 100_000))
    assert replicas[1].verify("a", Digest.of(data))


def test_a_system_without_boot_ids_reads_again(start: Start) -> None:
    hold, other = start(""), start("")
    hold.create("a")
    hold.receive("a", b"content")
    (hold.data / "uploads/a/data").write_bytes(b"CONTENT")
    assert other.verify("a", Digest.of(b"CONTENT"))
