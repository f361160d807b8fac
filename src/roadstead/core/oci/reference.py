"""Names of repositories, tags and references (OCI distribution-spec v1.1, Pulling manifests).

A name's first component says whose repository it is: an account's name, its handle or its DID. What it means on
this server is not decided here but in `roadstead.identity`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from roadstead.core.errors import InvalidName
from roadstead.core.oci.digest import Digest

MAX_NAME_LENGTH: Final = 255
"""Clients put host and name together into 255 characters; no registry accepts longer names."""

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_DID: Final = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class RepositoryName:
    """`owner/path`, e.g. `alice/app/sub`, `alice.example.com/app`, `did:web:alice.example.com/app`."""

    owner: str
    path: str

    @classmethod
    def parse(cls, text: str) -> RepositoryName:
        """The name that `text` spells.

        Raises:
            InvalidName: it breaks the grammar, is too long, or has one component only.
        """
        shown = repr(text[:120])
        if len(text) > MAX_NAME_LENGTH:
            raise InvalidName(
                f"repository name {shown}… has {len(text)} characters; at most {MAX_NAME_LENGTH} are allowed"
            )
        owner, slash, path = text.partition("/")
        if not slash and _PATH.fullmatch(text):
            raise InvalidName(
                f"repository name {shown} has one component; expected ACCOUNT/REPOSITORY",
                remedy=f"put the account before it, such as alice/{text}",
            )
        if not _PATH.fullmatch(path) or not (_PATH.fullmatch(owner) or _DID.fullmatch(owner)):
            raise InvalidName(
                f"repository name {shown} is malformed; expected lower-case letters and digits, separated by "
                "single . _ - or / characters"
            )
        return cls(owner, path)

    def __str__(self) -> str:
        return f"{self.owner}/{self.path}"


@dataclass(frozen=True, slots=True)
class Tag:
    """A mutable name of a manifest within its repository: at most 128 characters."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Tag:
        """The tag that `text` spells.

        Raises:
            InvalidName: it breaks the grammar.
        """
        if not _TAG.fullmatch(text):
            raise InvalidName(
                f"tag {text[:140]!r} is malformed; expected 1 to 128 letters, digits and . _ -, "
                "beginning with a letter, a digit or _"
            )
        return cls(text)

    def __str__(self) -> str:
        return self.name


Reference = Tag | Digest


def parse_reference(text: str) -> Reference:
    """The tag or the digest that `text` spells; a colon makes it a digest.

    Raises:
        InvalidName: not a tag.
        InvalidDigest: a malformed digest.
    """
    return Digest.parse(text) if ":" in text else Tag.parse(text)
