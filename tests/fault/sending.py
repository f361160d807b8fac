"""A request whose body is sent a piece at a time, so that a test can do something in its middle."""

import http.client
from collections.abc import Mapping

import httpx

from tests.conformance.client import Client, shown
from tests.fault.workers import owner
from tests.rig.server import Server

TIMEOUT_S = 60


class Sending:
    """One request on a connection of its own, its head sent and its body yet to come.

    Args:
        authorization: the whole header; see `authorization`.
        length_bytes: what Content-Length says.
    """

    def __init__(
        self,
        server: Server,
        method: str,
        url: httpx.URL,
        *,
        authorization: str,
        length_bytes: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
        self._connection.putrequest(method, url.raw_path.decode())
        fields = {"Authorization": authorization, "Content-Length": str(length_bytes), **(headers or {})}
        for name, value in fields.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def __enter__(self) -> "Sending":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def worker_pid(self) -> int:
        """Who has the connection. To be asked once the server has shown that it does."""
        port: int = self._connection.sock.getsockname()[1]
        return owner(self._server, port)

    def send(self, data: bytes) -> None:
        self._connection.send(data)

    def status(self) -> int:
        """Wait for the answer, and read it."""
        response = self._connection.getresponse()
        response.read()
        return response.status


def begin(client: Client, repository: str) -> httpx.URL:
    """Begin an upload; gives its session's URL."""
    answer = client.request("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status_code == 202, shown(answer)
    return client.http.base_url.join(answer.headers["location"])


def offset(client: Client, session: httpx.URL) -> int:
    """How many bytes the server says that it has."""
    answer = client.request("GET", str(session))
    assert answer.status_code == 204, shown(answer)
    last = int(answer.headers["range"].partition("-")[2])
    return last + 1 if last else 0


def authorization(client: Client, session: httpx.URL) -> str:
    """The header that the client's requests to a session carry."""
    header: str = client.request("GET", str(session)).request.headers["authorization"]
    return header
