"""`kill -9` in the middle of an upload: the session goes on, on another worker and after a restart."""

import os
import signal

import httpx
import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import Blob, noise
from tests.fault import workers
from tests.fault.sending import Sending, authorization, begin, offset
from tests.rig import waiting
from tests.rig.server import Account, Server, Servers

MIB = 1024 * 1024
LAYER = Blob(noise(24 * MIB, seed=77))
ACKNOWLEDGED = 3 * MIB + 17
SENT = 20 * MIB

REPOSITORY = "alice/killed"


@pytest.fixture
def server(servers: Servers) -> Server:
    return servers.start(workers=2, gc_interval_hours="0", scrub_interval_hours="0")


@pytest.fixture
def alice(server: Server) -> Account:
    return server.account("alice")


def _client(server: Server, account: Account) -> Client:
    return Client(server.url, (account.name, account.password))


def _half(server: Server, client: Client, method: str, session: httpx.URL) -> Sending:
    """Most of a body, under way when the server has counted some of it."""
    first = client.http.patch(session, content=LAYER.data[:ACKNOWLEDGED])
    assert first.status_code == 202, shown(first)
    url = session.copy_merge_params({"digest": LAYER.digest}) if method == "PUT" else session
    half = Sending(
        server,
        method,
        url,
        authorization=authorization(client, session),
        length_bytes=LAYER.size - ACKNOWLEDGED,
        headers={"Content-Range": f"{ACKNOWLEDGED}-{LAYER.size - 1}"},
    )
    half.send(LAYER.data[ACKNOWLEDGED:SENT])
    waiting.until(lambda: offset(client, session) > ACKNOWLEDGED, what="the server to count some of the body")
    return half


def _go_on(client: Client, session: httpx.URL) -> None:
    """What a client does: asks where the session is, sends the rest, closes it."""
    start = offset(client, session)
    assert ACKNOWLEDGED < start <= SENT
    closed = client.http.put(
        session.copy_merge_params({"digest": LAYER.digest}),
        content=LAYER.data[start:],
        headers={"content-range": f"{start}-{LAYER.size - 1}"},
    )
    assert closed.status_code == 201, shown(closed)


def _check(client: Client) -> None:
    assert client.request("GET", f"/v2/{REPOSITORY}/blobs/{LAYER.digest}").content == LAYER.data


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_another_worker_goes_on_with_an_upload_whose_worker_was_killed(
    method: str, server: Server, alice: Account
) -> None:
    with workers.each(server, alice) as clients:
        session = begin(clients[0], REPOSITORY)
        with _half(server, clients[0], method, session) as half:
            victim = half.worker_pid
            os.kill(victim, signal.SIGKILL)
            survivor = next(client for client in clients if client.pid != victim)
            _go_on(survivor, session)
    waiting.until(
        lambda: len(set(workers.pids_of(server)) - {victim}) == 2, what="another worker in the place of the killed one"
    )
    waiting.until(server.is_ready, what="the server to be ready")
    with workers.each(server, alice) as clients:
        assert victim not in [client.pid for client in clients]
        for client in clients:
            _check(client)
            assert client.request("GET", str(session)).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_restarted_server_goes_on_with_an_upload(method: str, server: Server, alice: Account) -> None:
    with _client(server, alice) as client:
        session = begin(client, REPOSITORY)
        with _half(server, client, method, session):
            server.kill()
    server.start()
    with _client(server, alice) as client:
        assert client.request("HEAD", f"/v2/{REPOSITORY}/blobs/{LAYER.digest}").status_code == 404
        _go_on(client, session)
        _check(client)


def test_a_chunk_goes_to_another_worker_each_time(server: Server, alice: Account) -> None:
    """The hash goes on from the state on disk, or the sum would not be right."""
    step = LAYER.size // 7
    with workers.each(server, alice) as clients:
        session = begin(clients[0], REPOSITORY)
        for number, start in enumerate(range(0, LAYER.size, step)):
            client = clients[number % 2]
            chunk = LAYER.data[start : start + step]
            headers = {"content-range": f"{start}-{start + len(chunk) - 1}"}
            answer = client.request("PATCH", str(session), content=chunk, headers=headers)
            assert answer.status_code == 202, shown(answer)
            assert [offset(one, session) for one in clients] == [start + len(chunk)] * 2
        closed = clients[1].request("PUT", str(session.copy_merge_params({"digest": LAYER.digest})))
        assert closed.status_code == 201, shown(closed)
        for client in clients:
            _check(client)


def test_workers_end_with_the_process_that_supervises_them(server: Server, alice: Account) -> None:
    """They would keep the port and the data folder, and nobody could start a server in their place."""
    pids = server.worker_pids()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    waiting.until(lambda: not any(map(workers.is_running, pids)), what="the workers to end")
    server.start()
    assert set(pids).isdisjoint(server.worker_pids())
    with _client(server, alice) as client:
        client.push_blob(REPOSITORY, LAYER)
        _check(client)
