"""What a HEAD promises is kept: links are renewed, and manifests claimed where those without a tag expire."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.errors import UnknownBlob, UnknownManifest
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import Tag
from roadstead.index import links, manifests
from roadstead.index.database import touch
from roadstead.index.tables import claims
from roadstead.registry.promises import HOUR_MS, Promises, Terms
from tests.unit.registry.conftest import World
from tests.unit.registry.test_views import APP, DIGEST, put_tagged, write

GRACE_MS = 24 * HOUR_MS
NOW_MS = 100 * HOUR_MS


def promises(world: World, *, untagged: bool, now_ms: int = NOW_MS) -> Promises:
    return Promises(world.one.database, Terms(GRACE_MS, untagged), lambda: now_ms)


def claimed_until(world: World) -> list[int]:
    return world.one.database.read_now(
        lambda connection: list(connection.execute(sa.select(claims.c.until_ms)).scalars())
    )


def test_a_promise_is_made_again_before_half_of_it_is_over() -> None:
    assert Terms(GRACE_MS, untagged=False).renew_ms == HOUR_MS
    assert Terms(HOUR_MS, untagged=False).renew_ms == HOUR_MS // 2
    assert Terms(0, untagged=False).renew_ms == 0


def test_a_manifest_that_was_seen_is_claimed_where_it_could_expire(world: World) -> None:
    write(world, world.one, put_tagged(world.repository.id, b"one"))

    async def see(making: Promises) -> None:
        view = await world.one.views.of(APP)
        await making.manifest(view, await world.one.views.manifest(view, Tag("latest")))

    asyncio.run(see(promises(world, untagged=False)))
    assert claimed_until(world) == []
    asyncio.run(see(promises(world, untagged=True)))
    assert claimed_until(world) == [NOW_MS + GRACE_MS]


def test_a_manifest_that_was_collected_meanwhile_is_not_promised(world: World) -> None:
    write(world, world.one, put_tagged(world.repository.id, b"one"))

    async def see() -> None:
        view = await world.one.views.of(APP)
        found = await world.one.views.manifest(view, Tag("latest"))
        write(world, world.two, lambda c: manifests.delete(c, world.repository.id, found.digest))
        await promises(world, untagged=True).manifest(view, found)

    with pytest.raises(UnknownManifest):
        asyncio.run(see())


def test_a_link_is_renewed_at_most_once_in_a_while(world: World) -> None:
    def link(connection: Connection) -> None:
        links.put_blob(connection, str(DIGEST), 6, 0)
        links.link(connection, world.repository.id, str(DIGEST), 0)
        touch(connection, world.repository.id)

    world.one.database.write_now(link)

    async def see(at_ms: int) -> int:
        view = await world.one.views.of(APP)
        await world.one.views.blob(view, DIGEST)
        await promises(world, untagged=False, now_ms=at_ms).blob(view, DIGEST)
        seen = await world.two.views.blob(await world.two.views.of(APP), DIGEST)
        return seen.seen_at_ms if seen else -1

    assert asyncio.run(see(HOUR_MS - 1)) == 0
    assert asyncio.run(see(HOUR_MS)) == HOUR_MS


def test_a_link_that_was_collected_meanwhile_is_not_promised(world: World) -> None:
    other = Digest.of(b"another")

    def link(connection: Connection) -> None:
        links.put_blob(connection, str(other), 7, 0)
        links.link(connection, world.repository.id, str(other), 0)

    write(world, world.one, link)

    async def see() -> None:
        view = await world.one.views.of(APP)
        await world.one.views.blob(view, other)
        write(world, world.two, lambda c: links.unlink(c, world.repository.id, str(other)))
        await promises(world, untagged=False).blob(view, other)

    with pytest.raises(UnknownBlob):
        asyncio.run(see())
