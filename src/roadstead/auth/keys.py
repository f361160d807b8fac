"""The keys that sign tokens: P-256, in SQL, made when they are needed and replaced after a while.

Every process of every replica agrees on them: a new key signs only when all have had the time to learn of it, and
verifies until the last token that it signed has expired.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.token import LEEWAY_S, TokenKey, generate_key, key_from_pem, key_to_pem
from roadstead.index.database import Database, touch
from roadstead.index.generation import EVERYTHING, MAX_AGE_S
from roadstead.index.remembered import Remembered
from roadstead.index.tables import token_keys

NOTICE_S: Final = 10 * MAX_AGE_S
"""How old a key has to be to sign while an older one still can. Replicas learn of a key within `MAX_AGE_S`."""

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class _StoredKey:
    key: TokenKey
    created_at_s: float


class SigningKeys:
    """The keys of one database, as one process remembers them.

    Args:
        rotate_after_days: the age at which a key gets a successor.
        token_life_s: how long a token lasts.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        rotate_after_days: float,
        token_life_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._rotate_after_s = rotate_after_days * DAY_S
        self._token_life_s = token_life_s
        self._clock = clock
        self._parsed: dict[str, TokenKey] = {}
        self._stored: Remembered[None, Sequence[_StoredKey]] = Remembered(database, lambda c, _: self._load(c))

    async def signer(self) -> TokenKey:
        """The key that signs now; makes one, or a successor, where that is due."""
        stored = await self._stored.get(None)
        if self._is_due(stored):
            await self._database.write(self._rotate)
            stored = await self._stored.get(None)
        known_to_all = [entry for entry in stored if entry.created_at_s + NOTICE_S <= self._clock()]
        return (known_to_all[-1] if known_to_all else stored[0]).key

    async def verifier(self, kid: str) -> TokenKey | None:
        """The key with this id, if tokens that it signed may still be good."""
        # That there was no key a moment ago says nothing: another replica may just have made the first.
        stored = await self._stored.get(None) or await self._database.read(self._load)
        for entry, successor in itertools.zip_longest(stored, stored[1:]):
            if entry is not None and entry.key.kid == kid:
                return entry.key if successor is None or self._may_have_signed(successor) else None
        return None

    def _may_have_signed(self, successor: _StoredKey) -> bool:
        """Whether a token that was signed before this successor took over may still be good."""
        return self._clock() < successor.created_at_s + NOTICE_S + self._token_life_s + LEEWAY_S

    def _is_due(self, stored: Sequence[_StoredKey]) -> bool:
        return not stored or stored[-1].created_at_s + self._rotate_after_s <= self._clock()

    def _rotate(self, connection: Connection) -> None:
        """Adds a key unless another process just did, and forgets those that no good token was signed with."""
        stored = self._load(connection)
        if not self._is_due(stored):
            return
        useless = [
            entry.key.kid for entry, successor in itertools.pairwise(stored) if not self._may_have_signed(successor)
        ]
        connection.execute(token_keys.delete().where(token_keys.c.kid.in_(useless)))
        key = generate_key(secrets.token_hex(16))
        row = {"kid": key.kid, "private_key_pem": key_to_pem(key), "created_at_ms": int(self._clock() * 1000)}
        connection.execute(token_keys.insert().values(row))
        touch(connection, EVERYTHING)

    def _load(self, connection: Connection) -> Sequence[_StoredKey]:
        """The keys, oldest first. Two that replicas made at the same moment are told apart by their names."""
        rows = connection.execute(sa.select(token_keys).order_by(token_keys.c.created_at_ms, token_keys.c.kid))
        found = [_StoredKey(self._parse(row.kid, row.private_key_pem), row.created_at_ms / 1000) for row in rows]
        self._parsed = {entry.key.kid: entry.key for entry in found}
        return found

    def _parse(self, kid: str, pem: str) -> TokenKey:
        return self._parsed.get(kid) or key_from_pem(kid, pem)
