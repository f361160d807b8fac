"""What several clients do at one moment: the same tag, the same blob, the same session."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import httpx
import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import EMPTY, IMAGE, LAYER, LONG, Manifest, artifact, image

T = TypeVar("T")


def _at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of them, started together."""
    barrier = Barrier(len(acts))

    def act(one: Callable[[], T]) -> T:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def _put(alice: Client, repository: str, manifest: Manifest, reference: str) -> Callable[[], httpx.Response]:
    headers = {"content-type": manifest.media_type}
    return lambda: alice.request(
        "PUT", f"/v2/{repository}/manifests/{reference}", content=manifest.data, headers=headers
    )


@pytest.mark.parametrize("round_", range(5))
def test_two_pushes_of_one_tag(round_: int, clients: Mapping[str, Client]) -> None:
    """Both succeed, both manifests are kept, and the tag is one of them."""
    alice, repository = clients["alice"], f"alice/one-tag-{round_}"
    one, other = IMAGE, image()
    for content in IMAGE.needs:
        alice.push(repository, content)
    answers = _at_once([_put(alice, repository, manifest, "t") for manifest in (one, other)])
    assert [answer.status_code for answer in answers] == [201, 201], [shown(answer) for answer in answers]
    for manifest in (one, other):
        assert alice.request("GET", f"/v2/{repository}/manifests/{manifest.digest}").content == manifest.data
    found = alice.request("GET", f"/v2/{repository}/manifests/t")
    assert (found.headers["docker-content-digest"], found.content) in [(m.digest, m.data) for m in (one, other)]
    assert alice.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == ["t"]


def test_many_tags_and_referrers(clients: Mapping[str, Client]) -> None:
    """Nothing that was acknowledged is lost."""
    alice, repository = clients["alice"], "alice/many-at-once"
    alice.push(repository, IMAGE)
    alice.push(repository, EMPTY)
    about = [artifact(f"application/vnd.example.{number}", IMAGE) for number in range(8)]
    tags = [f"t{number}" for number in range(8)]
    pushes = [_put(alice, repository, one, one.digest) for one in about]
    pushes += [_put(alice, repository, IMAGE, tag) for tag in tags]
    answers = _at_once(pushes)
    assert {answer.status_code for answer in answers} == {201}
    assert alice.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == tags
    listed = alice.request("GET", f"/v2/{repository}/referrers/{IMAGE.digest}").json()["manifests"]
    assert sorted(one["digest"] for one in listed) == sorted(one.digest for one in about)


def test_one_blob_by_many(clients: Mapping[str, Client]) -> None:
    """And a HEAD that follows any of the pushes sees it."""
    alice, repository = clients["alice"], "alice/one-blob"
    alice.push(repository, LAYER)

    def push() -> tuple[int, int]:
        location = alice.request("POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
        url = alice.http.base_url.join(location).copy_merge_params({"digest": LONG.digest})
        put = alice.http.put(url, content=LONG.data)
        return put.status_code, alice.request("HEAD", f"/v2/{repository}/blobs/{LONG.digest}").status_code

    assert _at_once([push] * 6) == [(201, 200)] * 6
    assert alice.request("GET", f"/v2/{repository}/blobs/{LONG.digest}").content == LONG.data


def test_one_chunk_twice(clients: Mapping[str, Client]) -> None:
    """Two writers of one session: one goes on, the other is refused, and the blob is whole."""
    alice, repository = clients["alice"], "alice/one-session"
    location = alice.request("POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
    url = alice.http.base_url.join(location)
    headers = {"content-range": f"0-{LONG.size - 1}"}
    answers = _at_once([lambda: alice.http.patch(url, content=LONG.data, headers=headers)] * 2)
    assert sorted(answer.status_code for answer in answers)[0] == 202
    assert sorted(answer.status_code for answer in answers)[1] in (409, 416), [shown(answer) for answer in answers]
    closed = alice.http.put(url.copy_merge_params({"digest": LONG.digest}))
    assert closed.status_code == 201, shown(closed)
    assert alice.request("GET", f"/v2/{repository}/blobs/{LONG.digest}").content == LONG.data


def test_a_tag_is_read_as_it_was_written_by_every_worker(clients: Mapping[str, Client]) -> None:
    """A read that begins after an acknowledged write sees it, whichever worker and cache answers."""
    alice, repository = clients["alice"], "alice/read-after-write"
    alice.push(repository, IMAGE)
    alice.push(repository, image())
    for turn in range(20):
        manifest = (IMAGE, image())[turn % 2]
        assert _put(alice, repository, manifest, "t")().status_code == 201
        # A new connection each time may reach another worker.
        for _ in range(4):
            answer = httpx.get(
                f"{alice.http.base_url}/v2/{repository}/manifests/t",
                headers={
                    "authorization": alice.request("GET", f"/v2/{repository}/tags/list").request.headers[
                        "authorization"
                    ]
                },
            )
            assert answer.headers["docker-content-digest"] == manifest.digest
