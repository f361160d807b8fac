"""Accounts of this server: their names, and every way in which a repository's first component can spell one.

An account `alice` on the host `reg.example.com` has the handle `alice.reg.example.com` and the DID
`did:web:alice.reg.example.com`. All of them, and `did-web-…` where a client's reference grammar allows no colon,
mean the same account; so do those of the hosts that the server had before. Looking an account up is done by
`roadstead.identity.resolve`.

Specs: OCI distribution-spec, Pulling manifests (`<name>`); atproto.com/specs/handle; W3C did:web.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from roadstead.core.access.rights import Visibility
from roadstead.core.atproto.did import ALIAS_PREFIX, Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.errors import InvalidName, UnknownName
from roadstead.core.oci.reference import MAX_NAME_LENGTH

NAME_LENGTHS: Final = range(2, 33)
"""How many characters an account's name may have. A handle's label may have 63; a name is typed by people."""

RESERVED: Final = frozenset(
    {
        "v2",
        "auth",
        "xrpc",
        "api",
        "oauth",
        "did",
        "plc",
        "pds",
        "static",
        "install",
        "metrics",
        "healthz",
        "readyz",
        "login",
        "logout",
        "settings",
        "search",
        "anonymous",
        "localhost",
        "www",
        "well-known",
    }
)
"""Names that would read as a part of this server: its paths, its hosts, or nobody."""

_NAME: Final = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
_BARE: Final = re.compile(r"[a-z0-9]+(?:(?:__?|-+)[a-z0-9]+)*")
"""What OCI's grammar lets a component be that has no dot. That no account is called so is not the grammar's matter."""


EXPECTED_NAME: Final = (
    f"expected {NAME_LENGTHS.start} to {NAME_LENGTHS.stop - 1} of a-z, 0-9 and '-', "
    f"with no '-' at either end, and not beginning with {ALIAS_PREFIX}"
)
EXPECTED_COMPONENT: Final = "expected an account's name, its handle (alice.example.com) or its DID (did:web:…)"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this server.

    Args:
        default_visibility: what its new repositories are; `None` leaves it to the server's setting.
    """

    id: int
    name: str
    did: str
    handle: str
    default_visibility: Visibility | None = None


def check_name(text: str) -> str:
    """`text`, if an account may be called so: a path component of a repository and a label of a host name at once.

    Raises:
        InvalidName: it may not; the message says what was expected.
    """
    if len(text) not in NAME_LENGTHS or not _NAME.fullmatch(text) or text.startswith((ALIAS_PREFIX, "xn--")):
        raise InvalidName(f"{text[:80]!r} is not an account name", remedy=EXPECTED_NAME)
    if text in RESERVED:
        raise InvalidName(f"the account name {text!r} is reserved", remedy="choose another name")
    return text


def handle_of(name: str, host: str) -> str:
    """The handle of the account `name` on `host`."""
    return f"{name}.{host}"


def did_of(name: str, host: str) -> str:
    """The DID of the account `name` on `host` (W3C did:web, 3.2)."""
    return Did.of_web(handle_of(name, host)).text


def name_of_component(component: str, hosts: Collection[str]) -> str:
    """The account name that a repository's first component (or a login name) spells; it may not exist.

    Args:
        hosts: the host names of this server: the one in force and its aliases.

    Raises:
        InvalidName: no name, handle or DID at all.
        UnknownName: an identity of another server.
    """
    host_name = _host_name_in(component)
    if host_name is None:
        if len(component) > MAX_NAME_LENGTH or not _BARE.fullmatch(component):
            raise InvalidName(f"{component[:80]!r} is not an account", remedy=EXPECTED_COMPONENT)
        return component
    name, _, host = host_name.partition(".")
    if host in hosts:
        return name
    raise UnknownName(
        f"{component!r} is not an account of this server, and identities of other servers are not served yet",
        remedy="use the name, handle or DID of an account here",
    )


def _host_name_in(component: str) -> str | None:
    """The host name within a handle or a did:web, empty for DIDs without one; `None` for a bare name."""
    if component.startswith("did:"):
        return Did.parse(component).host or ""
    if component.startswith(ALIAS_PREFIX):
        return Did.parse_alias(component).host or ""
    return Handle.parse(component).text if "." in component else None
