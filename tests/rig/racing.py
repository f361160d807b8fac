"""Processes that push, delete, mount and collect in one data folder at the same time, without any grace.

python -m tests.rig.racing push|collect SEED SECONDS   (the settings come from the environment)
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import threading
import time

from sqlalchemy.engine import Connection

from roadstead.app import upkeep
from roadstead.app.settings import from_environment
from roadstead.core.errors import Conflict, RoadsteadError, Unknown
from roadstead.core.oci.digest import Digest
from roadstead.index import clock, links
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.expiry import Expiry
from roadstead.upkeep.collect import Collector, Terms
from tests.rig.depot import Depot, depot

CONTENTS = 25
"""So few that pushers and collections often mean the same blobs, and so many that some are not needed just now."""


PATIENCE_S = 60
"""How long a collector waits for something to remove, on a busy machine."""


class Pusher:
    """Pushes and deletes at random."""

    def __init__(self, depot: Depot, seed: int) -> None:
        self._depot = depot
        self._random = random.Random(seed)
        account = upkeep.account(depot.services, "alice").id
        self._repositories = [
            depot.repository(account, "public"),
            depot.repository(account, "private", visibility="private"),
        ]
        self._pushed: list[tuple[RepositoryRow, Digest]] = []
        self.done = 0

    def step(self) -> None:
        """One act; what was collected under it, it does again another time."""
        act = self._random.choice([self._image, self._image, self._index, self._referrer, self._delete, self._mount])
        try:
            act()
        except (Unknown, Conflict):
            return
        self.done += 1

    def _repository(self) -> RepositoryRow:
        return self._random.choice(self._repositories)

    def _content(self) -> bytes:
        return b"content %d" % self._random.randrange(CONTENTS)

    def _tags(self) -> list[str]:
        return self._random.choice([[], [f"tag{self._random.randrange(4)}"]])

    def _image(self) -> None:
        repository = self._repository()
        self._pushed.append((repository, self._depot.image(repository, self._content(), *self._tags())))

    def _index(self) -> None:
        repository = self._repository()
        # Of their own, which nobody deletes: a client may take an index's child away, and that is no fault here.
        children = [self._depot.image(repository, b"child " + self._content()) for _ in range(2)]
        self._pushed.append((repository, self._depot.index(repository, children, *self._tags())))

    def _referrer(self) -> None:
        repository = self._repository()
        subject = self._depot.image(repository, self._content())
        self._pushed.append((repository, self._depot.image(repository, self._content(), subject=subject)))

    def _delete(self) -> None:
        if self._pushed:
            repository, digest = self._pushed.pop(self._random.randrange(len(self._pushed)))
            push = self._depot.services.pushing()
            asyncio.run(push.remove(repository, str(digest), is_tag=False))

    def _mount(self) -> None:
        source, target = self._random.sample(self._repositories, 2)
        digest = str(Digest.of(self._content()))

        def work(connection: Connection) -> None:
            if links.linked(connection, source.id, digest):
                links.link(connection, target.id, digest, clock.now_ms())

        self._depot.services.database.write_now(work)


def push(depot: Depot, seed: int) -> int:
    """Pushes until nobody wants it any more; how often it succeeded."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    pusher = Pusher(depot, seed)
    while not ended.is_set():
        pusher.step()
    return pusher.done


def collect(depot: Depot, seed: int, seconds: float) -> int:
    """Collects for a while, and until something was removed; how many blobs went."""
    services, chance, removed = depot.services, random.Random(seed), 0
    expiry = Expiry(services.database, services.stores)
    start = time.monotonic()
    while time.monotonic() < start + seconds or (not removed and time.monotonic() < start + seconds + PATIENCE_S):
        terms = Terms(grace_ms=0, untagged_ms=chance.choice([None, 1]), backlog_ms=0, upload_ms=0)
        collector = Collector(services.database, services.store, services.uploads, expiry, terms, clock.now_ms)
        with contextlib.suppress(Conflict), upkeep.leased(services, upkeep.COLLECTING) as lease:
            removed += asyncio.run(collector.run(lease)).blobs
    return removed


def main(what: str, seed: str, seconds: str = "") -> None:
    """Does one of them; prints how much was done."""
    settings = from_environment()
    with depot(settings.path, database_url=settings.database_url) as opened:
        done = push(opened, int(seed)) if what == "push" else collect(opened, int(seed), float(seconds))
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except RoadsteadError as error:
        sys.exit(f"{type(error).__name__}: {error}")
