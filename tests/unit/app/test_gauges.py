"""Who may see the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from roadstead.app import gauges
from roadstead.app.gauges import Gauges
from roadstead.app.metrics import Metrics
from roadstead.core.access.client_address import Client
from roadstead.core.errors import Denied
from roadstead.index import schema
from roadstead.index.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}", tmp_path)
    schema.ensure(database.engine)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("127.0.0.1", 200),
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("192.0.2.1", 403),
        ("::2", 403),
        ("", 403),
        ("unix:", 403),
        ("/run/roadstead.sock", 403),
    ],
)
def test_only_the_networks_that_are_set_see_them(database: Database, tmp_path: Path, peer: str, status: int) -> None:
    async def denied(_request: Request, _error: Exception) -> Response:
        return Response(status_code=403)

    async def work() -> int:
        route = gauges.route(Metrics(tmp_path), Gauges(database), ["127.0.0.0/8", "10.0.0.0/8"])
        application = _from(peer, Starlette(routes=[route], exception_handlers={Denied: denied}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
            return (await client.get("/metrics")).status_code

    assert asyncio.run(work()) == status


def _from(peer: str, application: ASGIApp) -> ASGIApp:
    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope["roadstead.client"] = Client(peer, "http")
        await application(scope, receive, send)

    return marked
