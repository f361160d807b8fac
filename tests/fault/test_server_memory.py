"""A worker's memory does not depend on how large the blobs are that it takes and gives, nor on how many at once."""

import hashlib
import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import IMAGE, noise
from tests.fault.sending import begin
from tests.rig.memory import PeakMemory
from tests.rig.server import Server, Servers

MIB = 1024 * 1024
GROWTH_BYTES = 64 * MIB
"""What a worker may grow by, whatever it does."""

REPOSITORY = "alice/large"
PIECE = noise(MIB, seed=6)
DOWNLOADS = 8


@dataclass(frozen=True, slots=True)
class Large:
    """A blob that is never whole in the test's memory either."""

    size_bytes: int
    seed: int

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a range whose ends are whole MiB."""
        for number in range(start // MIB, (self.size_bytes if end is None else end) // MIB):
            yield f"{self.seed:08} {number:08}".encode() + PIECE[17:]

    @property
    def digest(self) -> str:
        hasher = hashlib.sha256()
        for piece in self.pieces():
            hasher.update(piece)
        return f"sha256:{hasher.hexdigest()}"


SIZES = [pytest.param(256 * MIB, id="short"), pytest.param(1024 * MIB, id="long", marks=pytest.mark.soak)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("memory"))
    yield servers.start(workers=1, gc_interval_hours="0", scrub_interval_hours="0", log_requests="none")
    servers.stop()


@pytest.fixture(scope="module")
def alice(server: Server) -> Iterator[Client]:
    """What a worker needs for anything at all is in its memory already."""
    account = server.account("alice")
    with Client(server.url, (account.name, account.password)) as client:
        client.push(REPOSITORY, IMAGE, "t")
        client.request("GET", f"/v2/{REPOSITORY}/manifests/t")
        small = Large(16 * MIB, seed=0)
        _push(client, small, small.digest, chunk_bytes=8 * MIB)
        assert _pulled(server, client, small.digest) == small.digest
        yield client


def _push(client: Client, large: Large, digest: str, *, chunk_bytes: int) -> None:
    """In chunks, the last of which closes the session."""
    session = begin(client, REPOSITORY)
    closing = session.copy_merge_params({"digest": digest})
    for start in range(0, large.size_bytes, chunk_bytes):
        end = min(start + chunk_bytes, large.size_bytes)
        headers = {"content-range": f"{start}-{end - 1}", "content-length": str(end - start)}
        is_last = end == large.size_bytes
        answer = client.http.request(
            "PUT" if is_last else "PATCH",
            closing if is_last else session,
            content=large.pieces(start, end),
            headers=headers,
        )
        assert answer.status_code == (201 if is_last else 202), shown(answer)


def _pulled(server: Server, client: Client, digest: str, piece_bytes: int = MIB) -> str:
    """The digest of what is served under a digest."""
    target = f"/v2/{REPOSITORY}/blobs/{digest}"
    token = client.request("HEAD", target).request.headers.get("authorization", "")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        connection.request("GET", target, headers={"Authorization": token})
        response = connection.getresponse()
        assert response.status == 200
        hasher = hashlib.sha256()
        while piece := response.read(piece_bytes):
            hasher.update(piece)
    finally:
        connection.close()
    return f"sha256:{hasher.hexdigest()}"


@pytest.mark.parametrize("size_bytes", SIZES)
def test_one_large_blob(size_bytes: int, server: Server, alice: Client) -> None:
    forms = {"monolithic": size_bytes, "chunks of 16 MiB": 16 * MIB, "chunks of 1 MiB": MIB}
    for seed, (form, chunk_bytes) in enumerate(forms.items(), 1):
        large = Large(size_bytes, seed)
        digest = large.digest
        with PeakMemory(server.worker_pids()) as memory:
            _push(alice, large, digest, chunk_bytes=chunk_bytes)
            assert _pulled(server, alice, digest) == digest
        assert max(memory.growth_bytes().values()) <= GROWTH_BYTES, form


@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_blob_in_one_request(size_bytes: int, server: Server, alice: Client) -> None:
    large = Large(size_bytes, seed=10)
    digest = large.digest
    url = httpx.URL(f"{server.url}/v2/{REPOSITORY}/blobs/uploads/", params={"digest": digest})
    begin(alice, REPOSITORY)
    with PeakMemory(server.worker_pids()) as memory:
        headers = {"content-length": str(size_bytes)}
        answer = alice.http.post(url, content=large.pieces(), headers=headers)
        assert answer.status_code == 201, shown(answer)
    assert max(memory.growth_bytes().values()) <= GROWTH_BYTES


@pytest.mark.parametrize("size_bytes", SIZES)
def test_many_downloads_at_once(size_bytes: int, server: Server, alice: Client) -> None:
    """Whole, by readers of one worker, and in ranges, which are read while they are sent."""
    large = Large(size_bytes, seed=11)
    digest = large.digest
    _push(alice, large, digest, chunk_bytes=size_bytes)
    with PeakMemory(server.worker_pids()) as memory, ThreadPoolExecutor(DOWNLOADS) as pool:
        pulls = [pool.submit(_pulled, server, alice, digest) for _ in range(DOWNLOADS)]
        assert {pull.result() for pull in pulls} == {digest}
    assert max(memory.growth_bytes().values()) <= GROWTH_BYTES
    half = size_bytes // 2
    with PeakMemory(server.worker_pids()) as memory, ThreadPoolExecutor(DOWNLOADS) as pool:
        ranges = [pool.submit(_range, server, alice, digest, half) for _ in range(DOWNLOADS)]
        assert {one.result() for one in ranges} == {size_bytes - half}
    assert max(memory.growth_bytes().values()) <= GROWTH_BYTES


def _range(server: Server, client: Client, digest: str, start: int) -> int:
    """How many bytes come of a range to the end."""
    target = f"/v2/{REPOSITORY}/blobs/{digest}"
    token = client.request("HEAD", target).request.headers.get("authorization", "")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        connection.request("GET", target, headers={"Authorization": token, "Range": f"bytes={start}-"})
        response = connection.getresponse()
        assert response.status == 206
        count = 0
        while piece := response.read(MIB):
            count += len(piece)
    finally:
        connection.close()
    return count
