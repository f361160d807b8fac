"""Bodies that end too early, and connections that are cut: what came is never taken for the whole."""

import http.client
import socket
from collections.abc import Mapping

import httpx
import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import LONG, OCI_MANIFEST
from tests.rig import waiting
from tests.rig.server import Server

_HALF = LONG.size // 2


def _session(alice: Client, repository: str) -> httpx.URL:
    answer = alice.request("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status_code == 202, shown(answer)
    return alice.http.base_url.join(answer.headers["location"])


def _cut(registry: Server, alice: Client, method: str, url: httpx.URL, sent: bytes, headers: Mapping[str, str]) -> None:
    """Send the head and only a part of the body, and hang up."""
    # What the client would have sent, with the token it has.
    token = alice.http.get(url).request.headers["authorization"]
    lines = {"Host": registry.host, "Authorization": token, "Content-Length": str(LONG.size), **headers}
    head = f"{method} {url.raw_path.decode()} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    with socket.create_connection(("127.0.0.1", registry.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"\r\n" + sent)


def _offset(alice: Client, url: httpx.URL) -> int:
    answer = alice.http.get(url)
    assert answer.status_code == 204, shown(answer)
    _first, _, last = answer.headers["range"].partition("-")
    return int(last) + 1 if int(last) else 0


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_cut_body_leaves_a_session_that_goes_on(method: str, registry: Server, clients: Mapping[str, Client]) -> None:
    alice, repository = clients["alice"], f"alice/cut-{method.lower()}"
    url = _session(alice, repository)
    target = url.copy_merge_params({"digest": LONG.digest}) if method == "PUT" else url
    _cut(registry, alice, method, target, LONG.data[:_HALF], {})
    assert alice.request("HEAD", f"/v2/{repository}/blobs/{LONG.digest}").status_code == 404

    def is_closed() -> bool:
        """The server has noticed: it takes the rest, from wherever it stands."""
        offset = _offset(alice, url)
        assert offset <= _HALF
        rest = LONG.data[offset:]
        answer = alice.http.put(
            url.copy_merge_params({"digest": LONG.digest}),
            content=rest,
            headers={"content-range": f"{offset}-{LONG.size - 1}"},
        )
        return answer.status_code == 201

    waiting.until(is_closed, what="the session to be continued after the cut")
    assert alice.request("GET", f"/v2/{repository}/blobs/{LONG.digest}").content == LONG.data


def test_a_cut_single_post_leaves_nothing(registry: Server, clients: Mapping[str, Client]) -> None:
    alice, repository = clients["alice"], "alice/cut-post"
    _session(alice, repository)
    url = alice.http.base_url.join(f"/v2/{repository}/blobs/uploads/").copy_merge_params({"digest": LONG.digest})
    token = alice.request("POST", f"/v2/{repository}/blobs/uploads/").request.headers["authorization"]
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=30)
    connection.putrequest("POST", url.raw_path.decode())
    connection.putheader("Authorization", token)
    connection.putheader("Content-Length", str(LONG.size))
    connection.endheaders(LONG.data[:_HALF])
    connection.close()
    assert alice.request("HEAD", f"/v2/{repository}/blobs/{LONG.digest}").status_code == 404
    alice.push_blob(repository, LONG)
    assert alice.request("GET", f"/v2/{repository}/blobs/{LONG.digest}").content == LONG.data


def test_a_cut_manifest_is_not_stored(registry: Server, clients: Mapping[str, Client]) -> None:
    alice, repository = clients["alice"], "alice/cut-manifest"
    _session(alice, repository)
    url = alice.http.base_url.join(f"/v2/{repository}/manifests/t")
    _cut(registry, alice, "PUT", url, b'{"schemaVersion": 2', {"Content-Type": OCI_MANIFEST})
    assert alice.http.get(url).status_code == 404
    assert alice.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == []


def test_a_chunk_shorter_than_its_range_is_refused(clients: Mapping[str, Client]) -> None:
    """Streamed, so that no Content-Length gives the lie away beforehand."""
    alice, repository = clients["alice"], "alice/short-chunk"
    url = _session(alice, repository)
    answer = alice.http.patch(url, content=iter([LONG.data[:100]]), headers={"content-range": "0-999"})
    assert answer.status_code in (400, 416), shown(answer)
    assert _offset(alice, url) in (0, 100)
    offset = _offset(alice, url)
    done = alice.http.put(url.copy_merge_params({"digest": LONG.digest}), content=LONG.data[offset:])
    assert done.status_code == 201, shown(done)
