"""From names as clients spell them to accounts, against a directory in memory."""

import asyncio

import pytest

from roadstead.core.access.account import Account
from roadstead.core.errors import InvalidName, UnknownName
from roadstead.core.oci.reference import RepositoryName
from roadstead.identity.resolve import Resolver

_ALICE = Account(1, "alice", "did:web:alice.reg.example.com", "alice.reg.example.com")


class MemoryDirectory:
    """One account; a host and the one that the server had before."""

    async def hosts(self) -> frozenset[str]:
        return frozenset({"reg.example.com", "localhost"})

    async def account(self, name: str) -> Account | None:
        return _ALICE if name == "alice" else None


_RESOLVER = Resolver(MemoryDirectory())


@pytest.mark.parametrize(
    "owner",
    ["alice", "alice.reg.example.com", "alice.localhost", "did:web:alice.localhost", "did-web-alice.reg.example.com"],
)
def test_every_spelling_is_one_repository(owner: str) -> None:
    found = asyncio.run(_RESOLVER.repository(f"{owner}/app/sub"))
    assert found == (_ALICE, RepositoryName("alice", "app/sub"))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("app", InvalidName),
        ("alice/../x", InvalidName),
        ("alice/" + "a" * 300, InvalidName),
        ("bob/app", UnknownName),
        ("bob.localhost/app", UnknownName),
        ("alice.example.com/app", UnknownName),
        ("did:plc:ewvi7nxzyoun6zhxrhs64oiz/app", UnknownName),
        ("did-plc-ewvi7nxzyoun6zhxrhs64oiz/app", UnknownName),
    ],
)
def test_names_that_mean_nothing_here(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(_RESOLVER.repository(name))


def test_a_name_of_one_component_is_told_what_to_do() -> None:
    with pytest.raises(InvalidName, match="expected ACCOUNT/REPOSITORY"):
        asyncio.run(_RESOLVER.repository("app"))


def test_an_identity_of_another_server_is_told_that_it_is_not_served_yet() -> None:
    with pytest.raises(UnknownName, match="not served yet"):
        asyncio.run(_RESOLVER.repository("alice.example.com/app"))
