"""From whom an ASGI request is: see `roadstead.core.access.client_address`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadstead.core.access.client_address import Client, TrustedProxies


def client_of(scope: Mapping[str, Any], proxies: TrustedProxies) -> Client:
    """The client of a request by its ASGI connection scope."""
    peer = (scope.get("client") or ("",))[0]
    forwarded_for, forwarded_proto = [], []
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            forwarded_for.append(value.decode("latin-1"))
        elif name == b"x-forwarded-proto":
            forwarded_proto.append(value.decode("latin-1"))
    return proxies.client(peer, scope.get("scheme", "http"), forwarded_for, forwarded_proto)
