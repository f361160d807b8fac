"""A server for each file, with auth on, and who asks it.

That is alice, bob, nobody (with an anonymous token) and a bare client, which knows no tokens.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.conformance.client import Client
from tests.rig.server import Account, Server, Servers


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers and the accounts alice and bob."""
    servers = Servers(tmp_path_factory.mktemp("conformance"))
    yield servers.start(workers=2)
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
