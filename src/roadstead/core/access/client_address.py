"""From whom a request is, when proxies may stand between.

`X-Forwarded-For` is a list that every proxy adds to, and whose beginning the client itself may have written. So it
is read from its end, for as long as the hop that vouches for the next is a trusted one: the first that is not
trusted is the client. `X-Forwarded-Proto` is believed for the same hop.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

from roadstead.core.errors import InvalidSetting

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MOST_HOPS: Final = 32
SCHEMES: Final = ("http", "https")
IPV6_HOME_BITS: Final = 64
"""What one customer has at least: an address of its own for every request must not give a limit of its own."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request, and how.

    Args:
        address: in its one spelling; as it was given where it is no IP address (a Unix socket's, say).
        scheme: `http` or `https`, as the client sees it.
    """

    address: str
    scheme: str

    @property
    def limited_as(self) -> str:
        """What limits count by: an IPv4 address, or the network of an IPv6 one."""
        return _home(self.address)


class TrustedProxies:
    """The networks whose word is taken for who their client is.

    Args:
        networks: addresses or networks (CIDR).

    Raises:
        InvalidSetting: one is neither.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = parse_networks(networks)

    def client(self, peer: str, scheme: str, forwarded_for: Sequence[str], forwarded_proto: Sequence[str]) -> Client:
        """Who sent the request.

        Args:
            peer: the address at the other end of the connection.
            scheme: the connection's own.
            forwarded_for: the values of all `X-Forwarded-For` headers, in their order.
            forwarded_proto: the same of `X-Forwarded-Proto`.
        """
        if not self._networks:
            return Client(_spelled(peer), scheme)
        hops = _words(forwarded_for)
        protos = _words(forwarded_proto)
        client = peer
        while self._trusts(client) and hops and _address(hops[-1]) is not None:
            client = hops.pop()
            if len(protos) > 1 and self._trusts(client):
                protos.pop()
        believed = protos[-1].lower() if protos and self._trusts(peer) else ""
        return Client(_spelled(client), believed if believed in SCHEMES else scheme)

    def _trusts(self, text: str) -> bool:
        return in_networks(text, self._networks)


def in_networks(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is within one of the networks; something else than an IP address is not."""
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in networks)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that a setting names.

    Raises:
        InvalidSetting: one is neither an address nor a network.
    """
    return tuple(map(_network, texts))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidSetting(
            f"{text!r} is not a network", remedy="expected an address or a network, such as 10.0.0.0/8 or ::1"
        ) from error


def _words(values: Sequence[str]) -> list[str]:
    words = [word.strip() for value in values for word in value.split(",")]
    return [word for word in words if word][-MOST_HOPS:]


@lru_cache(maxsize=4096)
def _home(text: str) -> str:
    address = _address(text)
    return str(IPv6Network((address, IPV6_HOME_BITS), strict=False)) if isinstance(address, IPv6Address) else text


@lru_cache(maxsize=4096)
def _spelled(text: str) -> str:
    address = _address(text)
    return text if address is None else str(address)


def _address(text: str) -> Address | None:
    """The address that a hop spells: bare, or with a port (`1.2.3.4:5`, `[::1]:5`)."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # One client is one client, whether the socket is an IPv6 one that also takes IPv4 or not.
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
