"""The catalog's condition on rows and the decision about one repository are one rule, spelled twice."""

import itertools
from functools import partial

from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Action, Allowed, Asker, Limits, Visibility, decide
from roadstead.index import repositories
from roadstead.index.database import Database
from roadstead.index.rights import rights_in
from roadstead.index.tables import grants
from roadstead.registry.discovery import readable
from tests.unit.registry.conftest import World, add_account
from tests.unit.registry.test_views import put_tagged

NOBODY = Asker(None)


def add_repository(database: Database, owner: int, path: str, visibility: str) -> int:
    """A repository with a manifest; its id."""

    def create(connection: Connection) -> int:
        return repositories.create(connection, owner, path, visibility, 0).id

    repository_id = database.write_now(create)
    database.write_now(put_tagged(repository_id, b"a manifest"))
    return repository_id


def grant(database: Database, repository_id: int, account_id: int, action: Action) -> None:
    row = {"repository_id": repository_id, "account_id": account_id, "action": action.value, "created_at_ms": 0}
    database.write_now(lambda connection: connection.execute(grants.insert().values(row)) and None)


def listed(database: Database, asker: Asker, last: str = "", limit: int = 100) -> list[str]:
    return list(database.read_now(partial(readable, asker=asker, last=last, limit=limit)))


def test_the_catalog_lists_what_may_be_pulled_and_nothing_else(world: World) -> None:
    database = world.one.database
    alice, bob, carol = world.repository.account_id, add_account(database, "bob"), add_account(database, "carol")
    made = []
    for owner, visibility, granted in itertools.product((alice, bob), Visibility, (None, *Action)):
        made.append(add_repository(database, owner, f"{visibility}-{granted or 'none'}", visibility))
        if granted:
            grant(database, made[-1], carol, granted)
    every = [database.read_now(partial(repositories.by_id, repository_id=repository_id)) for repository_id in made]
    limited = Asker(alice, "alice", limits=Limits(("alice/private-none",), frozenset({Action.PULL})))
    for asker in (NOBODY, Asker(alice, "alice"), Asker(bob, "bob"), Asker(carol, "carol"), limited):
        allowed = [row.name for row in every if row and isinstance(decide(asker, rights_in(row), Action.PULL), Allowed)]
        assert listed(database, asker) == sorted(allowed)


def test_pages_of_the_catalog_join_up(world: World) -> None:
    database, alice = world.one.database, world.repository.account_id
    for number in range(7):
        add_repository(database, alice, f"r{number}", "public")
    pages: list[list[str]] = []
    while page := listed(database, NOBODY, last=pages[-1][-1] if pages else "", limit=3)[:3]:
        pages.append(page)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [name for page in pages for name in page] == [f"alice/r{number}" for number in range(7)]


def test_a_repository_without_a_manifest_is_not_listed(world: World) -> None:
    assert listed(world.one.database, Asker(world.repository.account_id, "alice")) == []
