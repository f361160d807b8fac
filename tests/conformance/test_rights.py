"""Who sees, pulls and mounts what: a right is to a repository, and nothing leaks by another way."""

from collections.abc import Iterator, Mapping

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import IMAGE, LAYER, OCI_MANIFEST, Blob, Manifest, artifact, image, noise
from tests.rig.server import Server, Servers

_SECRET = Blob(noise(5000, seed=99))
_HIDDEN = image(_SECRET)
_NOTE = artifact("application/vnd.example.note", _HIDDEN)
_PRIVATE = "alice/private"


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which new repositories are private."""
    servers = Servers(tmp_path_factory.mktemp("private"))
    yield servers.start(workers=2, default_visibility="private")
    servers.stop()


@pytest.fixture(scope="module")
def asker(private: Server) -> Iterator[Mapping[str, Client]]:
    """alice, whose repository is private; bob, who has nothing of it; nobody."""
    found = {"nobody": Client(private.url)}
    for name in ("alice", "bob"):
        account = private.account(name)
        found[name] = Client(private.url, (account.name, account.password))
    found["alice"].push(_PRIVATE, _HIDDEN, "t")
    found["alice"].push(_PRIVATE, _NOTE)
    found["bob"].push("bob/own", IMAGE, "t")
    yield found
    for client in found.values():
        client.http.close()


_PULLS = (
    "manifests/t",
    f"manifests/{_HIDDEN.digest}",
    f"blobs/{_SECRET.digest}",
    "tags/list",
    f"referrers/{_HIDDEN.digest}",
)


_METHODS = {"manifests": ("GET", "HEAD"), "blobs": ("GET", "HEAD"), "tags": ("GET",), "referrers": ("GET",)}


@pytest.mark.parametrize("target", _PULLS)
def test_a_private_repository_looks_like_an_absent_one(target: str, asker: Mapping[str, Client]) -> None:
    assert asker["alice"].request("GET", f"/v2/{_PRIVATE}/{target}").status_code == 200
    for who in ("bob", "nobody"):
        for method in _METHODS[target.partition("/")[0]]:
            there = asker[who].request(method, f"/v2/{_PRIVATE}/{target}")
            absent = asker[who].request(method, f"/v2/alice/absentx/{target}")
            assert there.status_code == absent.status_code == (404 if who == "bob" else 401), shown(there)
            assert there.text.replace("private", "absentx") == absent.text


def test_a_private_blob_through_another_repository(asker: Mapping[str, Client]) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        answer = asker["bob"].request(method, f"/v2/bob/own/blobs/{_SECRET.digest}")
        assert answer.status_code == 404, shown(answer)
    for reference in ("t", _HIDDEN.digest):
        answer = asker["bob"].request("GET", f"/v2/bob/own/manifests/{reference}")
        assert answer.content != _HIDDEN.data


@pytest.mark.parametrize("source", [_PRIVATE, "alice/absent", ""])
def test_a_private_blob_by_mount(source: str, asker: Mapping[str, Client]) -> None:
    """It begins an upload, just as the mount of what is absent does; and the blob does not come by it."""
    params = {"mount": _SECRET.digest} | ({"from": source} if source else {})
    answer = asker["bob"].request("POST", "/v2/bob/own/blobs/uploads/", params=params)
    assert answer.status_code == 202, shown(answer)
    assert asker["bob"].request("HEAD", f"/v2/bob/own/blobs/{_SECRET.digest}").status_code == 404


def test_a_private_blob_by_naming_it_in_a_manifest(asker: Mapping[str, Client]) -> None:
    for content in _HIDDEN.needs:
        if content is not _SECRET:
            asker["bob"].push("bob/own", content)
    answer = asker["bob"].request(
        "PUT", "/v2/bob/own/manifests/stolen", content=_HIDDEN.data, headers={"content-type": OCI_MANIFEST}
    )
    assert answer.status_code == 404, shown(answer)
    assert answer.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
    assert asker["bob"].request("HEAD", f"/v2/bob/own/blobs/{_SECRET.digest}").status_code == 404


def test_pushing_what_somebody_has_privately_takes_all_its_bytes(asker: Mapping[str, Client]) -> None:
    """A right comes by having the bytes; and taking it away again leaves the other's."""
    asker["bob"].push_blob("bob/other", _SECRET)
    assert asker["bob"].request("GET", f"/v2/bob/other/blobs/{_SECRET.digest}").content == _SECRET.data
    assert asker["bob"].request("DELETE", f"/v2/bob/other/blobs/{_SECRET.digest}").status_code == 202
    assert asker["alice"].request("GET", f"/v2/{_PRIVATE}/blobs/{_SECRET.digest}").content == _SECRET.data


def test_a_grant_opens_and_its_revocation_closes_at_once(private: Server, asker: Mapping[str, Client]) -> None:
    bob = asker["bob"]
    asker["alice"].push("alice/granted", IMAGE, "t")
    assert bob.request("GET", "/v2/alice/granted/manifests/t").status_code == 404
    private.run("repo", "grant", "alice/granted", "bob", "pull")
    assert bob.request("GET", "/v2/alice/granted/manifests/t").content == IMAGE.data
    assert bob.request("DELETE", "/v2/alice/granted/manifests/t").status_code == 403
    assert bob.request("POST", "/v2/alice/granted/blobs/uploads/").status_code == 403
    mounted = bob.request("POST", "/v2/bob/own/blobs/uploads/", params={"mount": LAYER.digest, "from": "alice/granted"})
    assert mounted.status_code == 201, shown(mounted)
    private.run("repo", "revoke", "alice/granted", "bob", "pull")
    assert bob.request("GET", "/v2/alice/granted/manifests/t").status_code == 404


def test_a_session_of_another_account(private: Server, asker: Mapping[str, Client]) -> None:
    """Even of one who may push to the same repository; and the session goes on for whose it is."""
    alice, bob = asker["alice"], asker["bob"]
    alice.push("alice/shared", IMAGE)
    private.run("repo", "grant", "alice/shared", "bob", "push")
    location = alice.request("POST", "/v2/alice/shared/blobs/uploads/").headers["location"]
    url = alice.http.base_url.join(location)
    assert alice.http.patch(url, content=_SECRET.data[:1000]).status_code == 202
    closing = url.copy_merge_params({"digest": _SECRET.digest})
    for answer in (
        bob.http.get(url),
        bob.http.patch(url, content=_SECRET.data[1000:]),
        bob.http.put(closing, content=_SECRET.data[1000:]),
        bob.http.delete(url),
    ):
        assert answer.status_code == 404, shown(answer)
        assert answer.json()["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"
    assert asker["nobody"].http.patch(url, content=b"x").status_code == 401
    assert alice.http.put(closing, content=_SECRET.data[1000:]).status_code == 201
    assert alice.request("GET", f"/v2/alice/shared/blobs/{_SECRET.digest}").content == _SECRET.data


def test_a_session_of_another_repository(asker: Mapping[str, Client]) -> None:
    alice = asker["alice"]
    location = alice.request("POST", "/v2/alice/one/blobs/uploads/").headers["location"]
    alice.request("POST", "/v2/alice/two/blobs/uploads/")
    answer = alice.request("PATCH", location.replace("alice/one", "alice/two"), content=b"x")
    assert answer.status_code == 404, shown(answer)
    assert answer.json()["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"


def test_publishing_and_hiding_take_effect_at_once(private: Server, asker: Mapping[str, Client]) -> None:
    manifest: Manifest = IMAGE
    asker["alice"].push("alice/moved", manifest, "t")
    for _ in range(2):
        assert asker["nobody"].request("GET", "/v2/alice/moved/manifests/t").status_code == 401
        private.run("repo", "publish", "alice/moved")
        assert asker["nobody"].request("GET", "/v2/alice/moved/manifests/t").content == manifest.data
        assert asker["alice"].request("GET", "/v2/alice/moved/manifests/t").content == manifest.data
        private.run("repo", "hide", "alice/moved")
    assert asker["nobody"].request("GET", "/v2/alice/moved/manifests/t").status_code == 401
    assert asker["alice"].request("GET", "/v2/alice/moved/tags/list").json()["tags"] == ["t"]
