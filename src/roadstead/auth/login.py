"""Logging in: from a name and a password (or an app password) to an `Asker`."""

from __future__ import annotations

from roadstead.core.rights import Asker


class Login:
    """Checks credentials. One for each process."""

    async def __call__(self, username: str, password: str, address: str) -> Asker:
        """Who it is.

        Args:
            username: the account's name, handle or DID.
            password: the account's password, or one of its app passwords.
            address: the client's, for the limit on failed attempts.

        Raises:
            Unauthorized: no such account, or not its password; nothing tells which.
            TooManyRequests: too many failed attempts from this address at this account.
        """
        raise NotImplementedError
