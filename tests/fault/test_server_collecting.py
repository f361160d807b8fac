"""Garbage collection beside pushes to a real server: nothing goes that a client was told is there and then names.

What is there is made old between the clients' acts, so that it is garbage to every collection, unless a HEAD, a mount
or a push of the same act says in time that it is needed.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.app import upkeep
from roadstead.index.database import touch
from roadstead.index.tables import blobs, claims, links, manifest_contents, pds_blobs, repositories
from tests.fault.aftermath import Aftermath
from tests.fault.ledger import Ledger
from tests.fault.pushers import ACCOUNT, Count, Pause, Pusher
from tests.rig.depot import Depot, depot
from tests.rig.postgres import Postgres
from tests.rig.server import Servers

PUSHERS = 3
AGE_MS = 25 * 3600 * 1000
"""An hour more than the grace."""


ROUNDS = [pytest.param(60, id="short"), pytest.param(20_000, id="long", marks=pytest.mark.soak)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_collecting_beside_pushes(rounds: int, servers: Servers) -> None:
    check_collecting(rounds, servers, database_url="")


@pytest.mark.peer("postgresql")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_collecting_beside_pushes_on_postgresql(rounds: int, servers: Servers, postgres: Postgres) -> None:
    check_collecting(rounds, servers, database_url=postgres.new_database())


def check_collecting(rounds: int, servers: Servers, *, database_url: str) -> None:
    """Collects again and again under pushers; then all that they were told has to hold."""
    server = servers.start(
        workers=2, database_url=database_url, gc_interval_hours="0", scrub_interval_hours="0", log_requests="none"
    )
    account, ledger, count, pause = server.account(ACCOUNT), Ledger(is_collected=True), Count(), Pause()
    pushers = [Pusher(server, account, ledger, number, number, count, pause) for number in range(PUSHERS)]
    over = threading.Event()
    with ThreadPoolExecutor(PUSHERS) as pool, depot(server.data, database_url=database_url) as opened:
        running = [pool.submit(pusher.run, over) for pusher in pushers]
        try:
            removed = 0
            for _ in range(rounds):
                with pause.between():
                    _age(opened)
                removed += _collect(opened)
                count.wait_for(1, lambda: any(one.done() for one in running))
                if any(one.done() for one in running):
                    break
        finally:
            over.set()
    for one in running:
        one.result()
    for pusher in pushers:
        pusher.close()
    assert removed, "nothing was collected"
    aftermath = Aftermath(server, account, ledger)
    aftermath.check()
    aftermath.verify()
    aftermath.collect()


def _age(opened: Depot) -> None:
    """Moves everything that is there a day into the past."""

    def work(connection: Connection) -> None:
        for column in (
            links.c.created_at_ms,
            links.c.seen_at_ms,
            blobs.c.created_at_ms,
            claims.c.until_ms,
            manifest_contents.c.created_at_ms,
            pds_blobs.c.created_at_ms,
        ):
            connection.execute(column.table.update().values({column: column - AGE_MS}))
        for repository_id in connection.execute(sa.select(repositories.c.id)).scalars():
            touch(connection, repository_id)

    opened.services.database.write_now(work)


def _collect(opened: Depot) -> int:
    """How many blobs went."""
    with upkeep.leased(opened.services, upkeep.COLLECTING) as lease:
        return asyncio.run(upkeep.collector(opened.services).run(lease)).blobs
