"""From a repository's name as a client spells it to an account of this server.

`alice/app`, `alice.localhost/app`, `did:web:alice.localhost/app` and `did-web-alice.localhost/app` are one
repository. Identities of other servers are refused with an error that says so, until they are served.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from roadstead.core.access.account import Account, name_of_component
from roadstead.core.errors import UnknownName
from roadstead.core.oci.reference import RepositoryName


class Directory(Protocol):
    """Who knows this server's accounts and hosts."""

    async def hosts(self) -> Collection[str]:
        """The host names of this server: the one in force and its aliases."""

    async def account(self, name: str) -> Account | None:
        """The account with this name, if there is one."""


class Resolver:
    """Resolves names against one directory. Keeps nothing itself."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def account(self, component: str) -> Account:
        """The account that a name, handle or DID means.

        Raises:
            InvalidName: no name, handle or DID.
            UnknownName: no account of this server.
        """
        name = name_of_component(component, await self._directory.hosts())
        account = await self._directory.account(name)
        if account is None:
            raise UnknownName(f"there is no account {name!r} on this server")
        return account

    async def repository(self, text: str) -> tuple[Account, RepositoryName]:
        """The account in whose namespace a repository is (or would be), and its name with the account's own.

        Raises:
            InvalidName: it breaks the grammar, is too long, or has one component only.
            UnknownName: no account of this server.
        """
        spelled = RepositoryName.parse(text)
        account = await self.account(spelled.owner)
        return account, spelled if account.name == spelled.owner else RepositoryName(account.name, spelled.path)
