"""A server whose disk gets full: it says so, stays up, serves what it has, and goes on when there is space again."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.client import Client, basic, shown
from tests.conformance.content import LAYER, Blob, image, noise
from tests.fault.sending import begin, offset
from tests.rig.server import Server, Servers

MIB = 1024 * 1024
LARGE = Blob(noise(24 * MIB, seed=5))
REPOSITORY = "alice/full"
HERE = image(LAYER)
CHUNK = 4 * MIB


@pytest.fixture
def server(servers: Servers, small_disk_64_mib: Path) -> Server:
    return servers.start(
        workers=2, data=small_disk_64_mib / "data", gc_interval_hours="0", scrub_interval_hours="0", log_requests="none"
    )


@pytest.fixture
def alice(server: Server) -> Iterator[Client]:
    account = server.account("alice")
    with Client(server.url, (account.name, account.password)) as client:
        client.push(REPOSITORY, HERE, "here")
        yield client


def _fill(disk: Path, *, leave_bytes: int) -> Path:
    """Take all space but so much."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave_bytes))
    return filler


def _is_full(answer: httpx.Response) -> bool:
    """What the specification of the error asks for."""
    if answer.status_code != 507:
        return False
    assert answer.json()["errors"][0]["code"] == "UNAVAILABLE", shown(answer)
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["retry-after"]) > 0
    return True


def _check_that_pulls_go_on(client: Client) -> None:
    found = client.request("GET", f"/v2/{REPOSITORY}/manifests/here")
    assert (found.status_code, found.content) == (200, HERE.data)
    blob = client.request("GET", f"/v2/{REPOSITORY}/blobs/{LAYER.digest}")
    assert (blob.status_code, blob.content) == (200, LAYER.data)
    assert client.request("GET", f"/v2/{REPOSITORY}/tags/list").json()["tags"] == ["here"]


@pytest.mark.parametrize("form", ["chunks", "stream", "closing"])
def test_an_upload_goes_on_when_there_is_space_again(
    form: str, server: Server, alice: Client, small_disk_64_mib: Path
) -> None:
    session = begin(alice, REPOSITORY)
    closing = session.copy_merge_params({"digest": LARGE.digest})
    first = alice.http.patch(session, content=LARGE.data[:MIB])
    assert first.status_code == 202, shown(first)
    filler = _fill(small_disk_64_mib, leave_bytes=6 * MIB)
    if form == "stream":
        answer = alice.http.patch(session, content=LARGE.data[MIB:])
    elif form == "closing":
        answer = alice.http.put(closing, content=LARGE.data[MIB:])
    else:
        answer = first
        while answer.status_code == 202:
            start = offset(alice, session)
            answer = alice.http.patch(session, content=LARGE.data[start : start + CHUNK])
    assert _is_full(answer), shown(answer)
    assert server.process.exit_code is None
    _check_that_pulls_go_on(alice)
    assert alice.request("HEAD", f"/v2/{REPOSITORY}/blobs/{LARGE.digest}").status_code == 404
    start = offset(alice, session)
    assert MIB <= start < LARGE.size
    filler.unlink()
    done = alice.http.put(closing, content=LARGE.data[start:])
    assert done.status_code == 201, shown(done)
    assert alice.request("GET", f"/v2/{REPOSITORY}/blobs/{LARGE.digest}").content == LARGE.data


def test_a_blob_in_one_request_finds_no_space_and_leaves_nothing(
    server: Server, alice: Client, small_disk_64_mib: Path
) -> None:
    target = f"/v2/{REPOSITORY}/blobs/uploads/?digest={LARGE.digest}"
    alice.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
    before = sorted((server.data / "uploads").iterdir())
    filler = _fill(small_disk_64_mib, leave_bytes=6 * MIB)
    refused = alice.request("POST", target, content=LARGE.data)
    assert _is_full(refused), shown(refused)
    assert sorted((server.data / "uploads").iterdir()) == before
    _check_that_pulls_go_on(alice)
    filler.unlink()
    assert alice.request("POST", target, content=LARGE.data).status_code == 201


def test_a_database_without_space_takes_nothing_and_serves_on(
    server: Server, alice: Client, small_disk_64_mib: Path
) -> None:
    """Pushes of manifests until the disk is full: what got 201 is there, the first that did not is not."""
    filler = _fill(small_disk_64_mib, leave_bytes=MIB)
    pushed = []
    answer = None
    for number in range(1000):
        made = image(LAYER, annotations={"n": str(number), "much": "x" * 60_000})
        headers = {"content-type": made.media_type}
        answer = alice.request("PUT", f"/v2/{REPOSITORY}/manifests/t{number}", content=made.data, headers=headers)
        if answer.status_code != 201:
            break
        pushed.append((number, made))
    assert answer is not None
    assert _is_full(answer), shown(answer)
    assert pushed
    assert server.process.exit_code is None
    refused = alice.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
    while refused.status_code == 202:  # a few rows may still fit into pages that are there
        refused = alice.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
    assert _is_full(refused), shown(refused)

    def check() -> None:
        tags = alice.request("GET", f"/v2/{REPOSITORY}/tags/list").json()["tags"]
        assert sorted(tags) == sorted(["here", *(f"t{number}" for number, _ in pushed)])
        for number, made in pushed:
            found = alice.request("GET", f"/v2/{REPOSITORY}/manifests/t{number}")
            assert (found.status_code, found.content) == (200, made.data)
        assert alice.request("GET", f"/v2/{REPOSITORY}/manifests/{made_in_vain.digest}").status_code == 404

    made_in_vain = image(LAYER, annotations={"n": str(len(pushed)), "much": "x" * 60_000})
    check()
    filler.unlink()
    check()
    alice.push_manifest(REPOSITORY, made_in_vain, f"t{len(pushed)}")
    server.restart()
    found = alice.request("GET", f"/v2/{REPOSITORY}/manifests/t{len(pushed)}")
    assert (found.status_code, found.content) == (200, made_in_vain.data)
    server.run("verify")


@pytest.mark.usefixtures("alice")
def test_logins_and_pulls_of_many_need_no_space(server: Server, small_disk_64_mib: Path) -> None:
    """What workers share in mapped files has its place beforehand: a page without one would end the worker."""
    _fill(small_disk_64_mib, leave_bytes=0)
    pids = server.worker_pids()
    for number in range(100):
        headers = {"authorization": basic(f"nobody-{number}", "wrong")}
        refused = httpx.get(f"{server.url}/auth/token", headers=headers)
        # Where it cannot be written down that somebody was refused, that is the answer.
        assert refused.status_code in (401, 429) or _is_full(refused), shown(refused)
    for credentials in (None, ("alice", "alice-password-of-the-tests")):
        with Client(server.url, credentials) as client:
            _check_that_pulls_go_on(client)
    assert server.worker_pids() == pids


def test_a_server_starts_on_a_full_disk_and_serves(server: Server, alice: Client, small_disk_64_mib: Path) -> None:
    filler = _fill(small_disk_64_mib, leave_bytes=0)
    server.restart()
    _check_that_pulls_go_on(alice)
    refused = alice.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/?digest={LARGE.digest}", content=LARGE.data)
    assert _is_full(refused), shown(refused)
    filler.unlink()
    alice.push_blob(REPOSITORY, LARGE)


def test_blobs_on_a_full_disk_of_their_own(servers: Servers, small_disk_64_mib: Path) -> None:
    """Sessions that could not begin are not counted, and what needs no blob goes on."""
    server = servers.start(
        workers=2,
        storage=str(small_disk_64_mib / "blobs"),
        uploads_per_account="3",
        gc_interval_hours="0",
        scrub_interval_hours="0",
    )
    account = server.account("alice")
    with Client(server.url, (account.name, account.password)) as client:
        client.push(REPOSITORY, HERE, "here")
        filler = _fill(small_disk_64_mib, leave_bytes=0)
        for _ in range(10):
            refused = client.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
            assert _is_full(refused), shown(refused)
        _check_that_pulls_go_on(client)
        client.push_manifest(REPOSITORY, image(LAYER, annotations={"n": "1"}), "there")
        filler.unlink()
        client.push_blob(REPOSITORY, LARGE)
