"""The metrics that come from SQL, and the endpoint that shows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadstead.app.metrics import Gauge, Metrics
from roadstead.core.access.client_address import in_networks, parse_networks
from roadstead.core.errors import Denied
from roadstead.index import figures, jobs
from roadstead.index.database import Database

KEEP_S: Final = 30.0
"""For how long a worker answers with what it has read: counting reads every row."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_STORED: Final = {
    "accounts": "Accounts.",
    "repositories": "Repositories.",
    "manifests": "Manifests, each repository's for itself.",
    "tags": "Tags.",
    "uploads": "Upload sessions that are open.",
    "blobs": "Blobs that are stored.",
    "blob_bytes": "Bytes of the blobs that are stored.",
    "quarantined": "Blobs that were found damaged.",
}
_TOTALS: Final = (
    ("gc", "blobs", "roadstead_gc_blobs", "Blobs that garbage collection has removed."),
    ("gc", "blob_bytes", "roadstead_gc_freed_bytes", "Bytes that garbage collection has freed."),
    ("gc", "manifests", "roadstead_gc_manifests", "Manifests that garbage collection has removed."),
    ("verify", "blobs", "roadstead_verify_blobs", "Blobs that were read back."),
    ("verify", "damage", "roadstead_verify_damaged", "Findings of damage when reading back."),
)


class Gauges:
    """What the database knows, read at most every `KEEP_S`.

    Args:
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: list[Gauge] = []
        self._read_at = float("-inf")

    async def read(self) -> list[Gauge]:
        """The figures.

        Raises:
            Unavailable: the database does not answer.
        """
        if self._monotonic() - self._read_at > KEEP_S:
            self._known = await self._database.read(_gauges)
            self._read_at = self._monotonic()
        return self._known


def route(metrics: Metrics, gauges: Gauges, networks: Sequence[str]) -> Route:
    """`GET /metrics`, for clients in `networks` (addresses or CIDR) alone."""
    allowed = parse_networks(networks)

    async def answer(request: Request) -> Response:
        if not in_networks(request.scope["roadstead.client"].address, allowed):
            raise Denied("the metrics are not for this address", remedy="see metrics_networks in docs/configuration.md")
        return Response(metrics.exposition(await gauges.read()), media_type=CONTENT_TYPE)

    return Route("/metrics", answer)


def _gauges(connection: Connection) -> list[Gauge]:
    stored = figures.stored(connection)
    found = [Gauge(f"roadstead_{name}", text, "gauge", stored[name]) for name, text in _STORED.items()]
    last = {job: jobs.last(connection, job) for job in ("gc", "verify")}
    for job, known in last.items():
        if known:
            text = f"When roadstead {job} last ended, in seconds since 1970."
            found.append(Gauge(f"roadstead_{job}_ended_timestamp_seconds", text, "gauge", known["ended_ms"] / 1000))
    for job, figure, name, text in _TOTALS:
        found.append(Gauge(name, text, "counter", last[job].get("totals", {}).get(figure, 0)))
    return found
