"""The keys that sign tokens: P-256, in SQL, made when they are needed and replaced after a while.

Every process of every replica agrees on them: a new key signs only when all have had the time to learn of it, and
verifies until the last token that it signed has expired.
"""

from __future__ import annotations

from collections.abc import Callable

from roadstead.core.token import TokenKey
from roadstead.index.database import Database


class SigningKeys:
    """The keys of one database, as one process remembers them.

    Args:
        rotate_after_days: the age at which a key gets a successor.
        token_life_s: how long a token lasts.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, *, rotate_after_days: float, token_life_s: int, clock: Callable[[], float]
    ) -> None:
        raise NotImplementedError

    async def signer(self) -> TokenKey:
        """The key that signs now; makes one, or a successor, where that is due."""
        raise NotImplementedError

    async def verifier(self, kid: str) -> TokenKey | None:
        """The key with this id, if tokens that it signed may still be good."""
        raise NotImplementedError
