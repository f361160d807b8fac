"""Two servers on one PostgreSQL and one folder of blobs, each with its own data folder: replicas of one registry."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conformance.client import BearerAuth, Client
from tests.conformance.content import Blob, Content, image, noise
from tests.rig import waiting
from tests.rig.postgres import Postgres
from tests.rig.server import Server, Servers

pytestmark = pytest.mark.peer("postgresql")

CHUNK_BYTES = 300_000


@pytest.fixture
def replicas(servers: Servers, postgres: Postgres, tmp_path: Path) -> list[Server]:
    database, storage = postgres.new_database(), str(tmp_path / "storage")
    started = [servers.start(database_url=database, storage=storage) for _ in range(2)]
    started[0].account("alice", "alice's password")
    return started


@pytest.fixture
def clients(replicas: list[Server]) -> Iterator[list[Client]]:
    """alice at each replica, with one purse of tokens: what one replica gave, the other has to take."""
    first, second = (Client(server.url, has_tokens=False) for server in replicas)
    first.http.auth = second.http.auth = BearerAuth(("alice", "alice's password"))
    with first, second:
        yield [first, second]


def _begin(client: Client) -> str:
    answer = client.request("POST", "/v2/alice/app/blobs/uploads/")
    assert answer.status_code == 202
    return urlsplit(answer.headers["location"]).path


def _append(client: Client, session: str, blob: Content, offset: int) -> int:
    piece = blob.data[offset : offset + CHUNK_BYTES]
    headers = {"content-range": f"{offset}-{offset + len(piece) - 1}", "content-type": "application/octet-stream"}
    assert client.request("PATCH", session, content=piece, headers=headers).status_code == 202
    return offset + len(piece)


def test_chunks_of_one_upload_go_to_both(clients: list[Client]) -> None:
    blob = Blob(noise(5 * CHUNK_BYTES, seed=7))
    session, offset, turn = _begin(clients[0]), 0, 0
    while offset < blob.size:
        turn += 1
        offset = _append(clients[turn % 2], session, blob, offset)
    for client in clients:
        assert client.request("GET", session).headers["range"] == f"0-{blob.size - 1}"

    assert clients[1].request("PUT", session, params={"digest": blob.digest}).status_code == 201
    for client in clients:
        assert client.request("GET", f"/v2/alice/app/blobs/{blob.digest}").content == blob.data


def test_one_goes_on_where_the_other_was_killed(replicas: list[Server], clients: list[Client]) -> None:
    blob = Blob(noise(3 * CHUNK_BYTES, seed=8))
    session = _begin(clients[0])
    offset = _append(clients[0], session, blob, 0)
    replicas[0].kill()

    assert clients[1].request("GET", session).headers["range"] == f"0-{offset - 1}"
    answer = clients[1].request("PUT", session, content=blob.data[offset:], params={"digest": blob.digest})
    assert answer.status_code == 201
    assert clients[1].request("GET", f"/v2/alice/app/blobs/{blob.digest}").content == blob.data


def test_a_tag_that_moves_at_one_moves_at_the_other(clients: list[Client]) -> None:
    old, new = image(Blob(b"old")), image(Blob(b"new"))
    there, here = clients
    there.push("alice/app", old, "latest")

    def seen() -> str:
        return str(here.request("GET", "/v2/alice/app/manifests/latest").headers.get("docker-content-digest"))

    waiting.until(lambda: seen() == old.digest, what="the tag to be known to the other replica")
    there.push("alice/app", new, "latest")
    waiting.until(lambda: seen() == new.digest, what="the tag to have moved at the other replica")
