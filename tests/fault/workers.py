"""A client for each worker of a server: what one of them remembers must not outlive what another has changed.

The kernel gives a new connection to any worker. Which one has it is read from /proc: the owner of the connection's
other end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.client import TIMEOUT_S, BearerAuth, Client
from tests.rig.server import Account, Server

MOST_CONNECTIONS = 400
"""After so many, a worker that got none gets none."""


class Held(Client):
    """A client that keeps its one connection, and so its worker."""

    def __init__(self, server: Server, account: Account | None) -> None:
        super().__init__(server.url)
        self.http.close()
        credentials = (account.name, account.password) if account else None
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
        self.http = httpx.Client(base_url=server.url, auth=BearerAuth(credentials), timeout=TIMEOUT_S, limits=limits)
        self._server = server
        self.pid = self._owner(self.http.get("/healthz"))

    def request(self, method: str, target: str, **more: Any) -> httpx.Response:
        """As the base; an answer by another worker, after a connection was lost, is no answer.

        Raises:
            AnotherWorker: it came from one.
        """
        response = super().request(method, target, **more)
        if (pid := self._owner(response)) != self.pid:
            raise AnotherWorker(f"worker {pid} has answered in the place of {self.pid}")
        return response

    def _owner(self, response: httpx.Response) -> int:
        port = response.extensions["network_stream"].get_extra_info("client_addr")[1]
        return owner(self._server, port)


class AnotherWorker(Exception):
    """A connection was lost, and the next one went to another worker."""


@contextmanager
def each(server: Server, account: Account | None = None) -> Iterator[list[Held]]:
    """A client for every worker, in the order of their process ids.

    Raises:
        AnotherWorker: one worker gets no connection.
    """
    found: dict[int, Held] = {}
    wanted = set(server.worker_pids())
    spare: list[Held] = []
    try:
        while set(found) != wanted:
            if len(spare) > MOST_CONNECTIONS:
                raise AnotherWorker(f"of the workers {wanted}, only {set(found)} get connections")
            client = Held(server, account)
            if client.pid in found:
                # Kept open meanwhile: a port that is free again is given again, and leads to the same worker.
                spare.append(client)
            else:
                found[client.pid] = client
        for client in spare:
            client.http.close()
        yield [found[pid] for pid in sorted(found)]
    finally:
        for client in (*spare, *found.values()):
            client.http.close()


def pids_of(server: Server) -> list[int]:
    """The workers' process ids, also where a worker ends under the question."""
    while True:
        try:
            return server.worker_pids()
        except (FileNotFoundError, ProcessLookupError):
            continue


def owner(server: Server, client_port: int) -> int:
    """The worker that holds the other end of the connection from a local port.

    Raises:
        LookupError: none does.
    """
    inode = _inode(server.port, client_port)
    for pid in pids_of(server):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if str(link.readlink()) == f"socket:[{inode}]":
                    return pid
            except FileNotFoundError:
                continue
    raise LookupError(f"no worker has the connection from port {client_port}")


def is_running(pid: int) -> bool:
    """Not if it is gone, nor if only its entry is left for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _inode(server_port: int, client_port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.partition(":")[2], 16) for address in fields[1:3])
        if (local, remote) == (server_port, client_port):
            return fields[9]
    raise LookupError(f"there is no connection from port {client_port} to {server_port}")
