"""A job that one process at a time may do, among all processes and machines that share the database.

A row in `leases` says so to other machines, and runs out when its holder is gone. A lock on a file of the data folder
says so to the other processes of this machine, and ends with its holder: who has it knows that a row made from the
same folder is a dead process's, and need not wait for its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Final

from roadstead.core.errors import Conflict, RoadsteadError, Unavailable
from roadstead.index import leases
from roadstead.index.database import Database

LIFE_S: Final = 90.0
"""How long a lease outlives the last sign of its holder on another machine."""

Clock = Callable[[], int]
"""Gives the milliseconds since 1970."""


class Lease:
    """A lease that is held; `hold` gives it."""

    def __init__(self) -> None:
        self.is_lost = threading.Event()

    def check(self) -> None:
        """Asked before each step of the job.

        Raises:
            Unavailable: it could not be renewed in time, and somebody else may have begun.
        """
        if self.is_lost.is_set():
            raise Unavailable("this job's lease ran out, and another process may do it now")


@contextlib.contextmanager
def hold(database: Database, folder: Path, name: str, clock: Clock) -> Iterator[Lease]:
    """Holds the lease `name` until the end of the block.

    Args:
        folder: the data folder.

    Raises:
        Conflict: another process has it.
    """
    with _locked(folder / f"{name}.lock", name) as place:
        holder = f"{place}:{os.getpid()}:{secrets.token_hex(4)}"
        _acquire(database, name, holder, place, clock)
        lease, stop = Lease(), threading.Event()
        renewing = threading.Thread(
            target=_renew, args=(database, name, holder, clock, lease, stop), name="lease", daemon=True
        )
        renewing.start()
        try:
            yield lease
        finally:
            stop.set()
            renewing.join()
            # What cannot be given back runs out by itself, or is taken by the next one of this folder.
            with contextlib.suppress(RoadsteadError):
                database.write_now(lambda connection: leases.release(connection, name, holder))


def _acquire(database: Database, name: str, holder: str, place: str, clock: Clock) -> None:
    now_ms = clock()
    until_ms = now_ms + int(LIFE_S * 1000)
    if not database.write_now(
        lambda connection: leases.acquire(connection, name, holder, until_ms, now_ms, takes_from=place)
    ):
        raise _taken(name)


def _renew(database: Database, name: str, holder: str, clock: Clock, lease: Lease, stop: threading.Event) -> None:
    """Renews the lease every third of its life until `stop`."""
    renewed_ms = clock()
    while not stop.wait(LIFE_S / 3):
        now_ms = clock()
        until_ms = now_ms + int(LIFE_S * 1000)
        try:
            is_ours = database.write_now(partial(leases.renew, name=name, holder=holder, until_ms=until_ms))
        except RoadsteadError:
            is_ours = now_ms - renewed_ms < LIFE_S * 1000
        else:
            renewed_ms = now_ms
        if not is_ours:
            lease.is_lost.set()
            return


@contextlib.contextmanager
def _locked(path: Path, name: str) -> Iterator[str]:
    """Locks the file, and gives the random name that it keeps for its folder."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(name) from None
        yield _place(file)


def _place(file: IO[str]) -> str:
    file.seek(0)
    known = file.read().strip()
    if known:
        return known
    fresh = secrets.token_hex(8)
    file.write(fresh)
    file.flush()
    return fresh


def _taken(name: str) -> Conflict:
    return Conflict(
        f"another process holds the lease {name!r}: a garbage collection, a scrub or a backup is under way",
        remedy="wait until it is done",
    )
