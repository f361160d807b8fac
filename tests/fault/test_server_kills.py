"""`kill -9` at random moments under several pushers: what was acknowledged is there, and nothing half is served."""

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fault.aftermath import Aftermath
from tests.fault.ledger import Ledger
from tests.fault.pushers import ACCOUNT, Count, Pusher
from tests.fault.workers import is_running, pids_of
from tests.rig import waiting
from tests.rig.postgres import Postgres
from tests.rig.server import Server, Servers

PUSHERS = 4
MOST_ACTS = 60
"""Between two kills."""


LENGTHS = [pytest.param(8, 4, id="short"), pytest.param(300, 10, id="long", marks=pytest.mark.soak)]
"""How many kills, and after how many of them the operator's commands run."""


@pytest.mark.parametrize(("kills", "looks"), LENGTHS)
def test_kills_under_pushers(kills: int, looks: int, servers: Servers) -> None:
    check_kills(kills, looks, servers, database_url="")


@pytest.mark.peer("postgresql")
@pytest.mark.parametrize(("kills", "looks"), LENGTHS)
def test_kills_under_pushers_on_postgresql(kills: int, looks: int, servers: Servers, postgres: Postgres) -> None:
    check_kills(kills, looks, servers, database_url=postgres.new_database())


def check_kills(kills: int, looks: int, servers: Servers, *, database_url: str) -> None:
    """After every kill, all that clients see is looked at; at every so manieth, the operator's commands run too.

    `TEST_SEED` in the environment chooses other moments and acts.
    """
    seed = int(os.environ.get("TEST_SEED", "1"))
    moments = random.Random(seed)
    server = servers.start(
        workers=2,
        database_url=database_url,
        uploads_per_account="100000",
        gc_interval_hours="0",
        scrub_interval_hours="0",
        log_requests="none",
    )
    account, ledger, count = server.account(ACCOUNT), Ledger(), Count()
    aftermath = Aftermath(server, account, ledger)
    pushers = [Pusher(server, account, ledger, number, seed * 1000 + number, count) for number in range(PUSHERS)]
    try:
        for kill in range(1, kills + 1):
            _killed_under(server, pushers, count, moments)
            aftermath.check()
            if kill % looks == 0:
                aftermath.verify()
                aftermath.collect()
    finally:
        for pusher in pushers:
            pusher.close()


def _killed_under(server: Server, pushers: list[Pusher], count: Count, moments: random.Random) -> None:
    """Pushes until a random moment, at which the server, its supervisor or one worker is killed; then it runs again."""
    over = threading.Event()
    kill = moments.choice([_kill_all, _kill_all, _kill_supervisor, _kill_worker])
    with ThreadPoolExecutor(len(pushers)) as pool:
        running = [pool.submit(pusher.run, over) for pusher in pushers]
        try:
            count.wait_for(moments.randrange(4, MOST_ACTS), lambda: any(one.done() for one in running))
            # Not to wait for something: the moment within the acts that have begun is to be any.
            over.wait(moments.random() * 0.05)
            kill(server, count)
        finally:
            over.set()
    for one in running:
        one.result()
    if server.process.exit_code is not None:
        server.start()


def _kill_all(server: Server, _count: Count) -> None:
    server.kill()


def _kill_supervisor(server: Server, _count: Count) -> None:
    pids = pids_of(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    waiting.until(lambda: not any(map(is_running, pids)), what="the workers to end")


def _kill_worker(server: Server, count: Count) -> None:
    """The others go on, and so do the pushers for a while."""
    victim = pids_of(server)[0]
    os.kill(victim, signal.SIGKILL)
    waiting.until(lambda: victim not in (pids := pids_of(server)) and len(pids) == server.workers, what="a new worker")
    count.wait_for(10, lambda: False)
