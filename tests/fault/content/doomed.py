"""An upload that is killed at each of its system calls in turn. Run as a program: `doomed.py SCENARIO FOLDER`.

For every call that changes the disk, a child is forked that dies (`os._exit`, nothing is cleaned up) just before it,
in `FOLDER/<number>`, until one comes through. What a client was told, the child writes to `told` in that folder.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roadstead.content import session
from roadstead.core.oci.digest import Digest
from tests.rig.hold import Hold, patterned

CONTENT = patterned(300_000)
CHUNK_BYTES = 100_000
BEFORE = b"stored before"
KILLED = 9
CALLS = ("mkdir", "open", "pwritev", "ftruncate", "fdatasync", "fsync", "link", "rename", "replace", "unlink", "rmdir")


def chunked(hold: Hold, tell: Callable[[str], None]) -> None:
    """A session of three chunks, its state saved within each, then closed and made known."""
    hold.create("a")
    tell("0")
    for start in range(0, len(CONTENT), CHUNK_BYTES):
        hold.receive("a", CONTENT[start : start + CHUNK_BYTES], pieces_of=10_000)
        tell(str(start + CHUNK_BYTES))
    verified = hold.verify("a", Digest.of(CONTENT))
    hold.uploads.publish(verified)
    tell("known")
    hold.run(hold.uploads.finish(verified))


def whole(hold: Hold, tell: Callable[[str], None]) -> None:
    """One request with all of it."""
    verified = hold.receive_whole("a", Digest.of(CONTENT), CONTENT)
    hold.uploads.publish(verified)
    tell("known")
    hold.run(hold.uploads.finish(verified))


SCENARIOS = {"chunked": chunked, "whole": whole}


class Executioner:
    """Counts the calls of `os` that change the disk, and ends the process at one of them."""

    def __init__(self, at: int) -> None:
        self._left = at

    def arm(self) -> None:
        for name in CALLS:
            setattr(os, name, self._counting(getattr(os, name)))

    def _counting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if self._left == 0:
                os._exit(KILLED)
            self._left -= 1
            return call(*args, **kwargs)

        return counted


def _child(scenario: str, folder: Path, at: int) -> None:
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    # So small that the state is saved within a chunk, which otherwise takes 8 MiB of it.
    session.WRITE_BACK_BYTES = 30_000  # type: ignore[misc]  # final for everybody else
    hold = Hold(folder / "data")
    hold.push(BEFORE, "before")
    Executioner(at).arm()

    def tell(word: str) -> None:
        os.write(told, f"{word}\n".encode())

    SCENARIOS[scenario](hold, tell)


def main(scenario: str, folder: Path) -> None:
    for at in range(1000):
        (folder / str(at)).mkdir()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _child(scenario, folder / str(at), at)
                status = 0
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return
        if status != KILLED:
            sys.exit(f"the child at call {at} failed by itself")
    sys.exit("no child came through")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
