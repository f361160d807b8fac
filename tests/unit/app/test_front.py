"""What every request passes first, towards web sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from roadstead.app.front import Front
from roadstead.app.metrics import Metrics
from roadstead.auth.rate_limit import RateLimits
from roadstead.core.access.client_address import Client, TrustedProxies
from roadstead.core.access.token_bucket import Limit


@pytest.fixture
def clients() -> list[Client]:
    """Whom the application behind has served."""
    return []


@pytest.fixture
def front(tmp_path: Path, clients: list[Client]) -> Front:
    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        clients.append(scope["roadstead.client"])

    return Front(
        application,
        application,
        limits=RateLimits(tmp_path / "limits", lambda: 0.0),
        limit=Limit(1, 2),
        proxies=TrustedProxies(["192.0.2.1"]),
        meter=Metrics(tmp_path / "metrics"),
        log_requests="none",
    )


def connect(front: Front, peer: str, forwarded_for: str = "") -> list[Any]:
    """What is sent to one who asks for a web socket."""
    sent: list[Any] = []

    async def take(message: Any) -> None:
        sent.append(message)

    async def connecting() -> Any:
        return {"type": "websocket.connect"}

    headers = [(b"x-forwarded-for", forwarded_for.encode())] if forwarded_for else []
    scope = {"type": "websocket", "path": "/", "headers": headers, "client": (peer, 40000), "scheme": "ws"}
    asyncio.run(front(scope, connecting, take))
    return sent


def test_web_sockets_are_limited_as_requests_are(front: Front, clients: list[Client]) -> None:
    assert [connect(front, "192.0.2.7") for _ in range(3)] == [[], [], [{"type": "websocket.close", "code": 1013}]]
    assert connect(front, "192.0.2.8") == []
    assert [client.address for client in clients] == ["192.0.2.7", "192.0.2.7", "192.0.2.8"]


def test_a_web_socket_is_its_clients_and_not_its_proxys(front: Front, clients: list[Client]) -> None:
    assert connect(front, "192.0.2.1", "198.51.100.9") == []
    assert clients[0].address == "198.51.100.9"
