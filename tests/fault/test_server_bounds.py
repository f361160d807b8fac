"""Requests without end or measure get a defined answer, and the server goes on for all others."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import IMAGE, OCI_MANIFEST
from tests.fault.sending import Sending, authorization, begin
from tests.rig.memory import PeakMemory
from tests.rig.server import Server, Servers

MIB = 1024 * 1024
REPOSITORY = "alice/bounds"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("bounds"))
    yield servers.start(workers=1, gc_interval_hours="0", scrub_interval_hours="0")
    servers.stop()


@pytest.fixture(scope="module")
def alice(server: Server) -> Iterator[Client]:
    account = server.account("alice")
    with Client(server.url, (account.name, account.password)) as client:
        client.push(REPOSITORY, IMAGE, "t")
        yield client


@pytest.fixture(autouse=True)
def _alive(server: Server, alice: Client) -> Iterator[None]:
    """The same worker answers before and after each of these."""
    pids = server.worker_pids()
    yield
    assert server.worker_pids() == pids
    assert alice.request("GET", f"/v2/{REPOSITORY}/manifests/t").content == IMAGE.data


def _raw(server: Server, request: bytes) -> tuple[int, bytes]:
    """Status and all that comes until the connection ends; 0 if it ends without an answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        received = b""
        # Refused before all of it was read: the answer may be there all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return (int(received.split(b" ", 2)[1]) if received else 0), received


def _request(server: Server, target: str, *headers: str) -> tuple[int, bytes]:
    lines = [f"GET {target} HTTP/1.1", f"Host: {server.host}", "Connection: close", *headers, "", ""]
    return _raw(server, "\r\n".join(lines).encode())


def test_a_path_of_100_kilobytes(server: Server, alice: Client) -> None:
    """The HTTP server itself refuses what is longer than 64 KiB; we, what is no name."""
    for length in (300, 60_000, 100_000):
        status, _ = _request(server, f"/v2/alice/{'a' * length}/manifests/t")
        assert status in (400, 401, 404, 414), (length, status)
        status, _ = _request(server, f"/v2/alice/app/manifests/{'t' * length}")
        assert status in (400, 401, 404, 414), (length, status)
    answer = alice.request("GET", f"/v2/alice/{'a' * 300}/manifests/t")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "NAME_INVALID"), shown(answer)


def test_ten_thousand_parameters(server: Server, alice: Client) -> None:
    query = "&".join("tag=a" for _ in range(10_000))
    answer = alice.request("GET", f"/v2/{REPOSITORY}/tags/list?{query}")
    assert answer.status_code in (200, 400, 414), shown(answer)
    target = f"/v2/{REPOSITORY}/manifests/{IMAGE.digest}?{query}"
    put = alice.request("PUT", target, content=IMAGE.data, headers={"content-type": OCI_MANIFEST})
    assert put.status_code in (400, 414), shown(put)
    assert put.json()["errors"][0]["code"] == "UNSUPPORTED"
    token = alice.request("GET", f"/auth/token?{'&'.join('scope=x' for _ in range(8_000))}")
    assert token.status_code in (200, 400, 414), token.status_code
    xrpc = alice.request("GET", f"/xrpc/com.atproto.sync.listRepos?{query}")
    assert xrpc.status_code in (200, 400, 414), shown(xrpc)


def test_headers_without_measure(server: Server) -> None:
    status, _ = _request(server, "/v2/", *(f"X-Header-{number}: x" for number in range(1_000)))
    assert status == 431
    status, _ = _request(server, "/v2/", f"X-Large: {'x' * 2 * MIB}")
    assert status in (0, 400, 431)
    status, _ = _request(server, "/v2/", f"Authorization: Bearer {'x' * 100_000}")
    assert status in (401, 431)
    status, _ = _request(server, "/auth/token", f"Authorization: Basic {'x' * 100_000}")
    assert status in (400, 401, 431)


def test_what_is_no_http(server: Server) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, b"GET\r\n\r\n", b"\r\n" * 10_000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            received = b""
            # It may have hung up before all of it was sent.
            with suppress(OSError):
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                received = connection.recv(65536)
        assert not received or received.startswith(b"HTTP/1.1 4"), received


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
def test_a_manifest_without_end(declared: bool, server: Server, alice: Client) -> None:
    """It is refused at its limit, and what comes after is not kept."""
    url = alice.http.base_url.join(f"/v2/{REPOSITORY}/manifests/endless")
    token = authorization(alice, begin(alice, REPOSITORY))

    def pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * MIB

    with PeakMemory(server.worker_pids()) as memory:
        if declared:
            with Sending(
                server, "PUT", url, authorization=token, length_bytes=1 << 40, headers={"Content-Type": OCI_MANIFEST}
            ) as sending:
                assert sending.status() == 413
        else:
            try:
                answer = alice.http.put(url, content=pieces(), headers={"content-type": OCI_MANIFEST})
            except OSError:
                pytest.fail("the answer has to come before the connection ends")
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (413, "SIZE_INVALID"), shown(answer)
    assert max(memory.growth_bytes().values()) < 32 * MIB
    assert alice.http.get(url).status_code == 404


def test_many_that_never_finish_their_requests(server: Server, alice: Client) -> None:
    """Their connections cost little, and others are served as ever."""
    session = begin(alice, REPOSITORY)
    token = authorization(alice, session)
    connections = []
    try:
        for number in range(200):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            connections.append(connection)
            connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            if number % 4 == 0:
                sending = (
                    f"\r\nAuthorization: {token}\r\nContent-Length: 1000000\r\nContent-Type: {OCI_MANIFEST}\r\n\r\n"
                )
                connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
                connections.append(connection)
                head = f"PUT /v2/{REPOSITORY}/manifests/slow-{number} HTTP/1.1\r\nHost: {server.host}"
                connection.sendall(head.encode() + sending.encode() + b"{")
        for _ in range(20):
            assert alice.request("GET", f"/v2/{REPOSITORY}/manifests/t").status_code == 200
        alice.push(REPOSITORY, IMAGE, "meanwhile")
        assert alice.request("GET", f"/v2/{REPOSITORY}/manifests/slow-0").status_code == 404
    finally:
        for connection in connections:
            connection.close()
