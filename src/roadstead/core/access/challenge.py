"""The challenge of a 401 (distribution.github.io/distribution/spec/auth/token; RFC 6750, 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from roadstead.core.access.scope import Scope, format_scopes


def challenge(base_url: str, service: str, scopes: Iterable[Scope] = (), error: str = "") -> str:
    """The value of `WWW-Authenticate`: where to get a token, and for what.

    Args:
        base_url: this server as the client reaches it, e.g. `https://registry.example.com`.
        service: the name that tokens have as their audience.
        error: `Unauthorized.error` of what is answered.
    """
    fields = {"realm": f"{base_url}/auth/token", "service": service}
    if text := format_scopes(scopes):
        fields["scope"] = text
    if error:
        fields["error"] = error
    return "Bearer " + ",".join(f'{name}="{_quotable(value)}"' for name, value in fields.items())


BASIC: Final = 'Basic realm="roadstead",charset="UTF-8"'
"""The challenge of the token endpoint itself, which takes a name and a password (RFC 7617)."""


def _quotable(text: str) -> str:
    """`text` without what would end the quotes or the header: names come from the request."""
    return "".join(character for character in text if " " <= character <= "~" and character not in '"\\')
