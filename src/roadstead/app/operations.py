"""What orchestrators ask: is it alive, does it serve."""

from __future__ import annotations

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from roadstead.index.database import Database


def health(database: Database) -> list[Route]:
    """`/healthz` and `/readyz`."""

    async def healthz(_request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        """It can serve: the database answers. Raises Unavailable otherwise."""
        await database.read(lambda connection: connection.execute(sa.select(1)).scalar())
        return PlainTextResponse("ready\n")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
