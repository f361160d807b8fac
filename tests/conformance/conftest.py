"""A server for each file, with auth on, and who asks it.

That is alice, bob, nobody (with an anonymous token) and a bare client, which knows no tokens.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.conformance.client import Client
from tests.rig.postgres import Postgres
from tests.rig.server import Account, Server, Servers

ON_BOTH = pytest.mark.parametrize(
    "registry",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))],
    indirect=True,
    scope="module",
)
"""Runs a test on a server with each kind of database."""


@pytest.fixture(scope="module")
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers; on SQLite, or on what `ON_BOTH` asks for."""
    servers = Servers(tmp_path_factory.mktemp("conformance"))
    url = ""
    if getattr(request, "param", "sqlite") == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    yield servers.start(workers=2, database_url=url)
    servers.stop()


@pytest.fixture(scope="module")
def alice(registry: Server) -> Account:
    return registry.account("alice")


@pytest.fixture(scope="module")
def bob(registry: Server) -> Account:
    return registry.account("bob")


@pytest.fixture(scope="module")
def clients(registry: Server, alice: Account, bob: Account) -> Iterator[Mapping[str, Client]]:
    """Clients by who they are."""
    with ExitStack() as stack:
        yield {
            "alice": stack.enter_context(Client(registry.url, (alice.name, alice.password))),
            "bob": stack.enter_context(Client(registry.url, (bob.name, bob.password))),
            "nobody": stack.enter_context(Client(registry.url)),
            "bare": stack.enter_context(Client(registry.url, has_tokens=False)),
        }
