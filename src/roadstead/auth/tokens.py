"""Tokens of the registry: who gets one that names what, and whose a token is that comes back.

A token only narrows: see `roadstead.core.rights.require`, which asks at the time of use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roadstead.auth.keys import SigningKeys
from roadstead.core.rights import Asker, Bearer
from roadstead.core.scope import Scope
from roadstead.identity.resolve import Resolver
from roadstead.index.database import Database


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token for a client.

    Args:
        issued_at_s: whole seconds since 1970.
    """

    text: str
    issued_at_s: int
    expires_in_s: int


class Tokens:
    """Issues and authenticates tokens. One for each process.

    Args:
        service: the audience of tokens, and their issuer: the name of this server in challenges.
        life_s: how long a token lasts.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        keys: SigningKeys,
        resolver: Resolver,
        *,
        service: str,
        life_s: int,
        clock: Callable[[], float],
    ) -> None:
        raise NotImplementedError

    async def issue(self, asker: Asker, scopes: Sequence[Scope]) -> IssuedToken:
        """A token that names those of the asked actions that `asker` may do now; perhaps none."""
        raise NotImplementedError

    async def authenticate(self, header: bytes | None) -> Bearer:
        """Whose token the value of an `Authorization` header is. Suspends only when the header is new or old.

        Args:
            header: `None` when the request has none, which gives `NOBODY`.

        Raises:
            Unauthorized: not a token of this server, or one that is no longer good; its `error` is `invalid_token`.
        """
        raise NotImplementedError
