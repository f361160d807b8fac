"""What a server may and must hold, by what it was asked and by what it has acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Key:
    """A blob or a manifest (named by its digest) or a tag, of one repository."""

    kind: str
    repository: str
    name: str


Value: TypeAlias = str | None
"""A digest; None means absent. A blob's or a manifest's value can only be its own digest."""


class Ledger:
    """For every key the values that it may have. One is certain; more are left by requests that got no answer.

    Args:
        is_collected: whether garbage is collected all the while, so that any blob may be gone that no manifest needs.
    """

    def __init__(self, *, is_collected: bool = False) -> None:
        self._is_collected = is_collected
        self._possible: dict[Key, set[Value]] = {}

    def may(self, key: Key, value: Value) -> None:
        """A request that would set `value` is about to be sent."""
        self._possible.setdefault(key, {None}).add(value)

    def did(self, key: Key, value: Value) -> None:
        """It was acknowledged, and nobody else changes the key."""
        self._possible[key] = {value}

    def is_there(self, key: Key) -> None:
        """It was acknowledged; others set the key too, and nobody removes it."""
        self._possible.setdefault(key, set()).discard(None)

    def possible(self, key: Key) -> frozenset[Value]:
        anyway: set[Value] = {None} if self._is_collected and key.kind == "blob" else set()
        return frozenset(self._possible.get(key, {None}) | anyway)

    def may_be_there(self, key: Key) -> bool:
        return self.possible(key) != {None}

    def keys(self, kind: str, repository: str) -> Iterator[Key]:
        """All of a kind that were ever asked for."""
        for key in list(self._possible):
            if (key.kind, key.repository) == (kind, repository):
                yield key

    def repositories(self) -> list[str]:
        return sorted({key.repository for key in self._possible})
