"""What a server with limits answers: too many requests, too many sessions, sessions that time out, a full disk."""

from pathlib import Path

import httpx

from tests.conformance.client import Client
from tests.conformance.content import LAYER, Blob, noise
from tests.conformance.play import error_differences
from tests.rig import waiting
from tests.rig.server import Server, Servers

_MIB = 1024 * 1024


def _client(server: Server) -> Client:
    account = server.account("alice")
    return Client(server.url, (account.name, account.password))


def test_too_many_requests(servers: Servers) -> None:
    server = servers.start(rate_limit_per_s="1", rate_limit_burst="5")
    with httpx.Client(base_url=server.url) as http:
        answers = [http.get("/v2/") for _ in range(50)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 401
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert not list(error_differences(refused[0], "TOOMANYREQUESTS"))


def test_too_many_sessions_of_an_account(servers: Servers) -> None:
    with _client(servers.start(uploads_per_account="3")) as alice:
        answers = [alice.request("POST", "/v2/alice/app/blobs/uploads/") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        assert int(answers[3].headers["retry-after"]) >= 1
        assert not list(error_differences(answers[3], "TOOMANYREQUESTS"))
        assert alice.request("DELETE", answers[0].headers["location"]).status_code == 204
        alice.push_blob("alice/app", LAYER)


def test_an_idle_session_times_out(servers: Servers) -> None:
    server = servers.start(upload_expiry_hours="0")
    with _client(server) as alice:
        location = alice.request("POST", "/v2/alice/app/blobs/uploads/").headers["location"]
        server.run("gc")
        waiting.until(
            lambda: alice.request("GET", location).status_code == 404, what="the session to be swept", deadline_s=20
        )
        assert not list(error_differences(alice.request("GET", location), "BLOB_UPLOAD_UNKNOWN"))


def test_a_manifest_limit_may_be_higher(servers: Servers) -> None:
    with _client(servers.start(manifest_limit_bytes=str(6 * _MIB))) as alice:
        for size, status in ((5 * _MIB, 400), (6 * _MIB + 1, 413)):
            body = b" " * size
            answer = alice.request(
                "PUT",
                "/v2/alice/app/manifests/t",
                content=body,
                headers={"content-type": "application/vnd.oci.image.manifest.v1+json"},
            )
            assert answer.status_code == status


def test_a_full_disk_is_unavailable_and_loses_nothing(servers: Servers, small_disk_64_mib: Path) -> None:
    server = servers.start(data=small_disk_64_mib / "data")
    with _client(server) as alice:
        alice.push_blob("alice/app", LAYER)
        answer = alice.request("POST", "/v2/alice/app/blobs/uploads/")
        url = alice.http.base_url.join(answer.headers["location"])
        large = Blob(noise(80 * _MIB, seed=7))
        answer = alice.http.put(url.copy_merge_params({"digest": large.digest}), content=large.data)
        assert answer.status_code == 507
        assert int(answer.headers["retry-after"]) >= 1
        assert not list(error_differences(answer, "UNAVAILABLE"))
        assert alice.request("GET", f"/v2/alice/app/blobs/{LAYER.digest}").content == LAYER.data
        assert alice.request("HEAD", f"/v2/alice/app/blobs/{large.digest}").status_code == 404
