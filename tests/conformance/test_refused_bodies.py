"""A client whose body is refused sees why, and its connection is good for the next request, or said to end."""

from collections.abc import Mapping

import pytest

from tests.conformance.client import Client, shown
from tests.conformance.content import noise

_MIB = 1024 * 1024


@pytest.mark.parametrize("size_bytes", [1, 100_000, _MIB, 4 * _MIB, 40 * _MIB])
def test_a_refused_body(size_bytes: int, clients: Mapping[str, Client]) -> None:
    """Over and over on pooled connections, by who may not push (401) and by who sends out of order (416)."""
    body = noise(size_bytes)
    alice = clients["alice"]
    location = alice.request("POST", "/v2/alice/refused/blobs/uploads/").headers["location"]
    for _ in range(5):
        nobody = clients["bare"].request("PATCH", location, content=body)
        assert nobody.status_code == 401, shown(nobody)
        assert ("connection" in nobody.headers) == (size_bytes > 4 * _MIB)
        skipped = alice.request("PATCH", location, content=body, headers={"content-range": f"9-{size_bytes + 8}"})
        assert skipped.status_code == 416, shown(skipped)
    assert alice.request("GET", location).headers["range"] == "0-0"
