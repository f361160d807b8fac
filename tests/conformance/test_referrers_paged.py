"""Referrers that do not fit into one answer come page by page (distribution-spec, Listing Referrers)."""

from collections.abc import Mapping

from tests.conformance.client import Client, shown
from tests.conformance.content import EMPTY, IMAGE, artifact

_MANY = 12
_MIB = 1024 * 1024


def test_all_referrers_come_page_by_page(clients: Mapping[str, Client]) -> None:
    """More annotations than the size that every client can be expected to take (4 MB) make the server page."""
    alice, repository = clients["alice"], "alice/referrers-paged"
    alice.push(repository, IMAGE)
    alice.push_blob(repository, EMPTY)
    about = [
        artifact("application/vnd.example.note", IMAGE, annotations={"fill": f"{number}" * _MIB})
        for number in range(_MANY - 2)
    ]
    for one in about:
        alice.push_manifest(repository, one)
    found: list[str] = []
    pages = 0
    target: str | None = f"/v2/{repository}/referrers/{IMAGE.digest}?artifactType=application/vnd.example.note"
    while target:
        answer = alice.request("GET", target)
        assert answer.status_code == 200, shown(answer)
        assert answer.headers["content-type"] == "application/vnd.oci.image.index.v1+json"
        assert answer.headers["oci-filters-applied"] == "artifactType"
        found += [one["digest"] for one in answer.json()["manifests"]]
        target = answer.links.get("next", {}).get("url")
        pages += 1
    assert sorted(found) == sorted(one.digest for one in about)
    assert pages > 1
