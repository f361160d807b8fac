"""Decentralised identifiers of the two methods that AT Protocol blesses (AT Protocol DID specification).

Owns `Did`: `did:plc` and `did:web` (a host, with a port for servers at home; no paths), and the alias form that stands
for them in image names, whose grammar knows no colon. Resolving one is not done here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.atproto.handle import LABEL, MAX_LENGTH
from roadstead.core.errors import InvalidName

ALIAS_PREFIX: Final = "did-"
"""What an alias begins with; no account's name may."""

_HOST: Final = rf"(?P<host>{LABEL}(?:\.{LABEL})*)"
_PORT: Final = r"(?P<port>[1-9][0-9]{0,4})"
_PLC: Final = re.compile(r"did:plc:[a-z2-7]{24}")
_WEB: Final = re.compile(rf"did:web:{_HOST}(?:%3A{_PORT})?")
_WEB_ALIAS: Final = re.compile(rf"{_HOST}(?:_{_PORT})?")


@dataclass(frozen=True, slots=True, order=True)
class Did:
    """A DID in its one spelling: lower case, a port as `%3A5000`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Did:
        """The DID that `text` spells.

        Raises:
            InvalidName: malformed, or of another method.
        """
        if _PLC.fullmatch(text):
            return cls(text)
        # DNS and percent-encoding ignore case: one identity has to have one spelling here.
        match = _WEB.fullmatch(text.lower().replace("%3a", "%3A"))
        # Letters beyond ASCII are refused before that: some become ASCII in lower case.
        if text.isascii() and text.startswith("did:web:") and match and len(match["host"]) <= MAX_LENGTH:
            return cls(match[0])
        raise InvalidName(f"{text[:80]!r} is not a DID; expected did:web:HOST or did:plc: and 24 characters")

    @classmethod
    def of_web(cls, host: str, port: int | None = None) -> Did:
        """The `did:web` of a host, whose document lies at `https://HOST[:PORT]/.well-known/did.json`.

        Raises:
            InvalidName: not a host name.
        """
        return cls.parse(f"did:web:{host}" + (f"%3A{port}" if port is not None else ""))

    @classmethod
    def parse_alias(cls, text: str) -> Did:
        """The DID behind an image name's component: `did-web-alice.example.com_5000`, `did-plc-…`.

        Raises:
            InvalidName: not such an alias.
        """
        if text.startswith("did-plc-"):
            return cls.parse("did:plc:" + text.removeprefix("did-plc-"))
        match = _WEB_ALIAS.fullmatch(text.removeprefix("did-web-"))
        if not text.startswith("did-web-") or not match:
            raise InvalidName(f"{text[:80]!r} is not a DID in an image name; expected did-web-HOST or did-plc-…")
        return cls.of_web(match["host"], int(match["port"]) if match["port"] else None)

    @property
    def alias(self) -> str:
        """This DID as a component of an image name; an underscore, which no host has, stands before a port."""
        return self.text.replace(":", "-", 2).replace("%3A", "_")

    @property
    def method(self) -> str:
        """`plc` or `web`."""
        return self.text.split(":", 2)[1]

    @property
    def host(self) -> str | None:
        """Of a `did:web`, `HOST` or `HOST:PORT`, as in a URL."""
        return self.text.removeprefix("did:web:").replace("%3A", ":") if self.method == "web" else None

    def __str__(self) -> str:
        return self.text
