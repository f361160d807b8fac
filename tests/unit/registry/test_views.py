"""What a worker remembers is never older than what another has acknowledged."""

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Visibility
from roadstead.core.errors import Unavailable, UnknownManifest, UnknownName
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import OCI_MANIFEST
from roadstead.core.oci.reference import RepositoryName, Tag
from roadstead.index import links, manifests
from roadstead.index.database import touch
from roadstead.index.generation import MAX_AGE_S
from roadstead.index.manifests import ManifestRow
from roadstead.index.repositories import create
from roadstead.index.tables import host_aliases, repositories
from roadstead.registry.views import STALE_S
from tests.unit.registry.conftest import Process, World

APP = RepositoryName("alice", "app")
DIGEST = Digest.of(b"a blob")


def manifest_row(body: bytes) -> ManifestRow:
    digest = Digest.of(body)
    return ManifestRow(str(digest), digest.hex, OCI_MANIFEST, len(body), None, None, None, None, 0, 0, ())


def write(world: World, process: Process, work: Callable[[Connection], object]) -> None:
    """A write as the registry makes them: whatever it does, caches of the repository are old afterwards."""

    def touching(connection: Connection) -> None:
        work(connection)
        touch(connection, world.repository.id)

    process.database.write_now(touching)


def put_tagged(repository_id: int, body: bytes) -> Callable[[Connection], None]:
    row = manifest_row(body)

    def work(connection: Connection) -> None:
        manifests.put_body(connection, row.sha256, body, 0)
        manifests.put(connection, repository_id, row)
        manifests.put_tag(connection, repository_id, "latest", row.digest, 0)

    return work


def rename(process: Process, table: str, to: str) -> None:
    """What makes every read of a table fail, and heals it again."""
    statement = sa.text(f"ALTER TABLE {table} RENAME TO {to}")
    process.database.write_now(lambda connection: connection.execute(statement) and None)


def test_a_tag_that_another_worker_moves_is_seen_at_once(world: World) -> None:
    async def digest_seen(process: Process) -> str:
        return (await process.views.manifest(await process.views.of(APP), Tag("latest"))).digest

    for body in (b"one", b"two", b"three"):
        write(world, world.one, put_tagged(world.repository.id, body))
        assert asyncio.run(digest_seen(world.two)) == str(Digest.of(body))
        assert asyncio.run(digest_seen(world.one)) == str(Digest.of(body))


def test_what_is_asked_twice_is_read_once(world: World) -> None:
    write(world, world.one, put_tagged(world.repository.id, b"one"))

    async def views() -> tuple[object, object]:
        return await world.two.views.of(APP), await world.two.views.of(APP)

    first, second = asyncio.run(views())
    assert first is second


def test_a_link_that_another_worker_takes_away_is_gone(world: World) -> None:
    repository_id = world.repository.id

    def link(connection: Connection) -> None:
        links.put_blob(connection, str(DIGEST), 6, 0)
        links.link(connection, repository_id, str(DIGEST), 0)

    async def has_blob() -> bool:
        return await world.two.views.blob(await world.two.views.of(APP), DIGEST) is not None

    write(world, world.one, link)
    assert asyncio.run(has_blob())
    write(world, world.one, lambda connection: links.unlink(connection, repository_id, str(DIGEST)))
    assert not asyncio.run(has_blob())


def test_hiding_is_seen_at_once(world: World) -> None:
    async def visibility() -> str | None:
        return (await world.two.views.of(APP)).rights.visibility

    assert asyncio.run(visibility()) == Visibility.PUBLIC
    hide = sa.update(repositories).where(repositories.c.id == world.repository.id).values(visibility="private")
    write(world, world.one, lambda connection: connection.execute(hide))
    assert asyncio.run(visibility()) == Visibility.PRIVATE


def test_another_machine_is_believed_for_a_second_at_most(world: World) -> None:
    """A write without a touch is what a replica on another machine does to this one's memory."""

    async def tags() -> list[str]:
        return list(await world.two.views.tags(await world.two.views.of(APP), "", 10))

    assert asyncio.run(tags()) == []
    world.one.database.write_now(put_tagged(world.repository.id, b"one"))
    assert asyncio.run(tags()) == []
    world.two.clock.seconds += MAX_AGE_S
    assert asyncio.run(tags()) == ["latest"]


def test_what_is_known_still_answers_while_the_database_does_not(world: World) -> None:
    process = world.two

    async def seen() -> bool:
        return (await process.views.of(APP)).is_stale

    assert not asyncio.run(seen())
    process.database.write_now(
        lambda connection: connection.execute(sa.text("ALTER TABLE repositories RENAME TO away")) and None
    )
    process.clock.seconds += MAX_AGE_S
    assert asyncio.run(seen())
    process.clock.seconds += STALE_S
    with pytest.raises(Unavailable):
        asyncio.run(seen())
    process.database.write_now(
        lambda connection: connection.execute(sa.text("ALTER TABLE away RENAME TO repositories")) and None
    )
    assert not asyncio.run(seen())


def test_what_was_hidden_is_not_shown_while_the_database_does_not_answer(world: World) -> None:
    asyncio.run(world.one.views.of(APP))
    hidden = repositories.update().values(visibility=Visibility.PRIVATE)
    write(world, world.two, lambda connection: connection.execute(hidden))
    rename(world.one, "repositories", "away")
    with pytest.raises(Unavailable):
        asyncio.run(world.one.views.of(APP))


def test_a_repository_that_took_the_name_of_another_is_seen_at_once(world: World) -> None:
    asyncio.run(world.one.views.of(APP))

    def replace(connection: Connection) -> None:
        connection.execute(repositories.delete())
        create(connection, world.repository.account_id, "app", "private", 0)

    write(world, world.two, replace)
    assert asyncio.run(world.one.views.of(APP)).rights.visibility == Visibility.PRIVATE


def test_what_is_not_there_is_not_remembered(world: World) -> None:
    async def manifest() -> str:
        return (await world.two.views.manifest(await world.two.views.of(APP), Tag("latest"))).digest

    with pytest.raises(UnknownManifest):
        asyncio.run(manifest())
    world.one.database.write_now(put_tagged(world.repository.id, b"one"))
    assert asyncio.run(manifest()) == str(Digest.of(b"one"))


def test_a_name_of_nobody(world: World) -> None:
    with pytest.raises(UnknownName):
        asyncio.run(world.one.views.of(RepositoryName("bob", "app")))


def test_a_name_under_a_former_host_says_so(world: World) -> None:
    row = {"host": "old.example.com", "public_url": "https://old.example.com", "until_ms": 2**60}
    world.one.database.write_now(lambda connection: connection.execute(host_aliases.insert().values(row)) and None)

    async def said(owner: str) -> list[str]:
        return world.one.views.warnings(await world.one.views.of(RepositoryName(owner, "app")))

    for current in ("alice", "alice.localhost", "did:web:alice.localhost", "did-web-alice.localhost"):
        assert asyncio.run(said(current)) == []
    (warning,) = asyncio.run(said("alice.old.example.com"))
    assert "alice.old.example.com" in warning
    assert "alice/app" in warning
