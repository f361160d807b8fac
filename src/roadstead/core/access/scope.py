"""Scopes of registry tokens, as text (distribution.github.io/distribution/spec/auth/scope).

    repository:alice/app:pull,push    registry:catalog:*

Owns the grammar and its bounds. What a scope's name means, and who gets which of its actions, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import Invalid

REPOSITORY: Final = "repository"
REGISTRY: Final = "registry"
CATALOG: Final = "catalog"
EVERY: Final = "*"

MOST_SCOPES: Final = 32
"""How many scopes one request may ask for: a push with a mount from each of many layers' homes asks for a few."""

MOST_CHARACTERS: Final = 4096
"""How long they may be together. The token that names them all has to fit into a header."""

# The name may hold colons (a DID, a host with its port), so the kind ends at the first and the actions begin after
# the last. A class, as in `repository(plugin)`, is deprecated, carries no right and is dropped.
_SCOPE: Final = re.compile(r"([a-z0-9]+)(?:\([a-z0-9]+\))?:([!#-\[\]-~]+):([a-z*]+(?:,[a-z*]+)*)")


@dataclass(frozen=True, slots=True)
class Scope:
    """One resource and the actions asked for on it, in the order in which they were spelled."""

    kind: str
    name: str
    actions: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Scope:
        """The scope that `text` spells.

        Raises:
            Invalid: malformed or too long.
        """
        match = _SCOPE.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
        if match is None:
            raise Invalid(f"the scope {text[:80]!r} is malformed", remedy="expected repository:NAME:ACTION[,ACTION…]")
        return cls(match[1], match[2], tuple(match[3].split(",")))

    @classmethod
    def repository(cls, name: str, *actions: str) -> Scope:
        """The scope of a repository, for a challenge."""
        return cls(REPOSITORY, name, actions)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


CATALOG_SCOPE: Final = Scope(REGISTRY, CATALOG, (EVERY,))
"""What `GET /v2/_catalog` asks for."""


def parse_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of a token request: several `scope` parameters, or several in one, parted by spaces.

    Raises:
        Invalid: one is malformed, or there are too many.
    """
    words = [word for text in texts for word in text.split(" ") if word]
    if len(words) > MOST_SCOPES or sum(map(len, words)) > MOST_CHARACTERS:
        raise Invalid(
            f"the request asks for {len(words)} scopes",
            remedy=f"expected {MOST_SCOPES} at most, of {MOST_CHARACTERS} characters together",
        )
    return tuple(Scope.parse(word) for word in words)


def format_scopes(scopes: Iterable[Scope]) -> str:
    """The scopes as one parameter of a challenge."""
    return " ".join(map(str, scopes))
