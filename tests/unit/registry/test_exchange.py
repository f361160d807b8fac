"""A request as endpoints see it."""

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.types import Message

from roadstead.core.access.rights import NOBODY
from roadstead.core.errors import Invalid
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import OCI_MANIFEST
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import manifests
from roadstead.index.manifests import ManifestRow
from roadstead.registry.discovery import Discovery
from roadstead.registry.exchange import Exchange, Whole
from roadstead.registry.routes import Kind, Route
from tests.unit.registry.conftest import World

SUBJECT = Digest.of(b"subject")


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def exchange(route: Route, query: bytes = b"") -> Exchange:
    return Exchange({"headers": [], "query_string": query}, nothing, route, NOBODY, None, "http://localhost")


@pytest.mark.parametrize("query", [b"last=a%00b", b"last=%00", b"n=1&artifactType=%00"])
def test_a_nul_in_a_parameter_is_refused(query: bytes) -> None:
    with pytest.raises(Invalid):
        exchange(Route(Kind.CATALOG), query).parameter("last")


def test_annotations_that_are_not_unicode_are_listed_as_they_were_pushed(world: World) -> None:
    body, odd = b"{}", {"half": "\ud800"}
    row = ManifestRow(
        str(Digest.of(body)), Digest.of(body).hex, OCI_MANIFEST, 2, None, odd, str(SUBJECT), None, 0, 0, ()
    )
    world.one.database.write_now(lambda connection: manifests.put_body(connection, row.sha256, body, 0))
    world.one.database.write_now(lambda connection: manifests.put(connection, world.repository.id, row))

    async def listed() -> Whole:
        view = await world.one.views.of(RepositoryName("alice", "app"))
        asked = replace(exchange(Route(Kind.REFERRERS, digest=SUBJECT)), repository=view)
        answered = await Discovery(world.one.database, world.one.views).referrers(asked)
        assert isinstance(answered, Whole)
        return answered

    assert json.loads(asyncio.run(listed()).body)["manifests"][0]["annotations"] == odd
