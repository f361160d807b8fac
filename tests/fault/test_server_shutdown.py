"""A stop finishes what is being sent, lets nobody wait for those that do nothing, and ends with 0."""

import hashlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

from tests.conformance.client import Client
from tests.conformance.content import Blob, noise
from tests.fault.sending import Sending, authorization, begin, offset
from tests.rig import waiting
from tests.rig.server import Account, Server, Servers

MIB = 1024 * 1024
REPOSITORY = "alice/stop"
LARGE = Blob(noise(48 * MIB, seed=48))
"""More than sockets hold."""


def _started(servers: Servers, grace_s: int = 30) -> Server:
    return servers.start(workers=2, gc_interval_hours="0", scrub_interval_hours="0", shutdown_grace_s=str(grace_s))


def _accepts(server: Server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0


def _wait_for_the_stop(server: Server) -> None:
    waiting.until(lambda: not _accepts(server), what="the server to take no more connections")
    assert server.process.exit_code is None, "it waits for who is being served"


@contextmanager
def _download(server: Server, client: Client) -> Iterator[socket.socket]:
    """A connection on which a large blob is being sent, its reader slow."""
    target = f"/v2/{REPOSITORY}/blobs/{LARGE.digest}"
    token = client.request("HEAD", target).request.headers.get("authorization", "")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: {token}\r\n\r\n"
        connection.sendall(head.encode())
        connection.recv(1, socket.MSG_PEEK)  # the answer has begun
        yield connection


def _rest(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head and the body of the answer, to their end."""
    received = bytearray()
    while b"\r\n\r\n" not in received or len(received) - received.index(b"\r\n\r\n") - 4 < LARGE.size:
        piece = connection.recv(MIB)
        if not piece:
            break
        received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    return head, body


def _check_that_it_ended_well(server: Server) -> None:
    """By itself: no worker had to be killed after the grace."""
    assert server.process.wait() == 0
    assert "Killing worker" not in server.process.log_tail()


def _term(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGTERM)


def _twice(server: Server) -> None:
    _term(server)
    _wait_for_the_stop(server)
    _term(server)


def _at_the_terminal(server: Server) -> None:
    """Ctrl-C, of an impatient person: the whole process group hears it."""
    os.killpg(server.process.pid, signal.SIGINT)
    _wait_for_the_stop(server)
    os.killpg(server.process.pid, signal.SIGINT)


STOPS = [pytest.param(_term, id="once"), pytest.param(_twice, id="twice"), pytest.param(_at_the_terminal, id="ctrl-c")]


def _client(server: Server, account: Account) -> Client:
    return Client(server.url, (account.name, account.password))


@pytest.mark.parametrize("stop", STOPS)
def test_a_download_is_finished(stop: Callable[[Server], None], servers: Servers) -> None:
    server = _started(servers)
    with _client(server, server.account("alice")) as client:
        client.push_blob(REPOSITORY, LARGE)
        with _download(server, client) as connection:
            stop(server)
            _wait_for_the_stop(server)
            head, body = _rest(connection)
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert hashlib.sha256(body).hexdigest() == LARGE.digest.partition(":")[2]
    _check_that_it_ended_well(server)


@pytest.mark.parametrize("stop", STOPS)
def test_an_upload_is_finished(stop: Callable[[Server], None], servers: Servers) -> None:
    server, half = _started(servers), LARGE.size // 2
    account = server.account("alice")
    with _client(server, account) as client:
        session = begin(client, REPOSITORY)
        url = session.copy_merge_params({"digest": LARGE.digest})
        token = authorization(client, session)
        with Sending(server, "PUT", url, authorization=token, length_bytes=LARGE.size) as sending:
            sending.send(LARGE.data[:half])
            waiting.until(lambda: offset(client, session) > 0, what="the server to have some of it")
            stop(server)
            _wait_for_the_stop(server)
            sending.send(LARGE.data[half:])
            assert sending.status() == 201
        _check_that_it_ended_well(server)
        server.start()
        assert client.request("GET", f"/v2/{REPOSITORY}/blobs/{LARGE.digest}").content == LARGE.data


def test_idle_connections_and_subscribers_hold_nothing_up(servers: Servers) -> None:
    """Of clients that keep a connection, and of another server that follows the firehose."""
    server = _started(servers, grace_s=35)
    with _client(server, server.account("alice")) as client:
        assert client.request("GET", "/v2/").status_code == 200
        with (
            socket.create_connection(("127.0.0.1", server.port)),
            connect(f"ws://{server.host}/xrpc/com.atproto.sync.subscribeRepos?cursor=0") as subscriber,
        ):
            subscriber.recv(timeout=30)
            _term(server)
            assert server.process.wait(30) == 0


def test_who_reads_no_further_is_left_after_the_grace(servers: Servers) -> None:
    server = _started(servers, grace_s=1)
    with _client(server, server.account("alice")) as client:
        client.push_blob(REPOSITORY, LARGE)
        with _download(server, client):
            _term(server)
            server.process.wait()
    server.start()
    assert server.is_ready()


def test_an_upload_that_the_grace_cuts_goes_on_afterwards(servers: Servers) -> None:
    server, half = _started(servers, grace_s=1), LARGE.size // 2
    with _client(server, server.account("alice")) as client:
        session = begin(client, REPOSITORY)
        token = authorization(client, session)
        with Sending(server, "PATCH", session, authorization=token, length_bytes=LARGE.size) as sending:
            sending.send(LARGE.data[:half])
            waiting.until(lambda: offset(client, session) > 0, what="the server to have some of it")
            _term(server)
            server.process.wait()
        server.start()
        start = offset(client, session)
        assert 0 < start <= half
        url = session.copy_merge_params({"digest": LARGE.digest})
        assert client.http.put(url, content=LARGE.data[start:]).status_code == 201
        assert client.request("GET", f"/v2/{REPOSITORY}/blobs/{LARGE.digest}").content == LARGE.data
