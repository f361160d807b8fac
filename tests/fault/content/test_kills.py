"""A process that is killed at any of its system calls loses nothing that it acknowledged, and shows nothing false."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from roadstead.core.errors import UnknownUpload
from roadstead.core.oci.digest import Digest
from tests.fault.content.doomed import BEFORE, CONTENT
from tests.rig.hold import Hold

DIGEST = Digest.of(CONTENT)


@dataclass(frozen=True, slots=True)
class Killed:
    """What is left of a process that was killed, and what it had told its client."""

    folder: Path

    @property
    def told(self) -> list[str]:
        return (self.folder / "told").read_text().split()

    @property
    def acknowledged(self) -> int | None:
        """The bytes that the client was told are there; None while it was not told that there is a session."""
        return max((int(word) for word in self.told if word != "known"), default=None)

    @property
    def is_known(self) -> bool:
        return "known" in self.told

    def successor(self) -> Hold:
        return Hold(self.folder / "data", wait_s=0)


def _doomed(scenario: str, folder: Path) -> list[Killed]:
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "tests.fault.content.doomed", scenario, str(folder)], check=True)
    return [Killed(folder / str(at)) for at in range(len(list(folder.iterdir())))]


def _check_that_nothing_false_is_visible(hold: Hold, killed: Killed) -> None:
    assert hold.read(Digest.of(BEFORE)) == BEFORE
    for digest in hold.stored():
        check = hold.store.check(digest)
        assert check is not None
        assert check.intact, f"killed at {killed.folder.name}"
    if killed.is_known:
        assert hold.read(DIGEST) == CONTENT


def _complete(hold: Hold, offset: int) -> None:
    """What a client does: asks where the session is, sends the rest, closes it."""
    hold.receive("a", CONTENT[offset:])
    verified = hold.verify("a", DIGEST)
    hold.uploads.publish(verified)
    hold.run(hold.uploads.finish(verified))
    assert hold.read(DIGEST) == CONTENT
    assert hold.sessions() == []


@pytest.mark.parametrize("scenario", ["chunked", "whole"])
def test_acknowledged_bytes_stay_and_the_upload_goes_on(scenario: str, tmp_path: Path) -> None:
    every = _doomed(scenario, tmp_path / "doomed")
    assert len(every) > 12, "the calls are counted"
    for killed in every:
        with killed.successor() as hold:
            _check_that_nothing_false_is_visible(hold, killed)
            try:
                offset = hold.offset("a")
            except UnknownUpload:
                assert killed.acknowledged is None or killed.is_known, f"killed at {killed.folder.name}"
                continue
            assert (killed.acknowledged or 0) <= offset <= len(CONTENT)
            _complete(hold, offset)


@pytest.mark.parametrize("scenario", ["chunked", "whole"])
def test_a_sweep_leaves_what_is_known_and_nothing_else(scenario: str, tmp_path: Path) -> None:
    for killed in _doomed(scenario, tmp_path / "doomed"):
        with killed.successor() as hold:
            known = {Digest.of(BEFORE): len(BEFORE)} | ({DIGEST: len(CONTENT)} if killed.is_known else {})
            hold.sweep(known.__contains__)
            assert hold.sessions() == []
            assert hold.stored() == known
            _check_that_nothing_false_is_visible(hold, killed)
            assert hold.read(hold.push(CONTENT)) == CONTENT
