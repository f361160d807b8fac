"""The application of one worker process: everything that answers a request.

/v2/…                        the registry, on plain ASGI
/auth/token                  tokens
/xrpc/…, /.well-known/…      the embedded PDS
/healthz /readyz /metrics    operations
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from roadstead.app import gauges, logging
from roadstead.app.counts import Counts
from roadstead.app.data_folder import DataFolder
from roadstead.app.embedded_pds import pds_routes
from roadstead.app.front import Front, error_response
from roadstead.app.gauges import Gauges
from roadstead.app.metrics import Metrics
from roadstead.app.operations import health
from roadstead.app.services import Services, promise_terms, service_of, wire
from roadstead.app.settings import Settings
from roadstead.app.supervised import end_with_supervisor
from roadstead.auth.directory import AccountDirectory
from roadstead.auth.endpoint import TokenEndpoint
from roadstead.auth.keys import SigningKeys
from roadstead.auth.login import Login
from roadstead.auth.passwords import Passwords
from roadstead.auth.rate_limit import RateLimits
from roadstead.auth.sessions import ACCESS_LIFE_S
from roadstead.auth.tokens import Tokens
from roadstead.core.access.client_address import TrustedProxies
from roadstead.core.access.token_bucket import Limit
from roadstead.core.errors import RoadsteadError
from roadstead.identity.resolve import Resolver
from roadstead.index.clock import now_ms
from roadstead.index.database import Database
from roadstead.registry.app import Address, Registry
from roadstead.registry.blob_push import BlobPush
from roadstead.registry.discovery import Discovery
from roadstead.registry.manifest_push import ManifestPush
from roadstead.registry.mounts import Mounts
from roadstead.registry.promises import Promises
from roadstead.registry.pull import Pull
from roadstead.registry.views import Views

METRICS: Final = "metrics"
"""The folder of the workers' figures, within the data folder."""

HANDED_DOWN: Final = "ROADSTEAD_WORKER_SETTINGS"
"""The environment variable in which the supervising process hands its settings to the workers, as JSON."""


def build() -> ASGIApp:
    """The application, from the settings that the supervising process handed down."""
    end_with_supervisor()
    return application(msgspec.json.decode(os.environ[HANDED_DOWN], type=Settings))


def application(settings: Settings) -> ASGIApp:
    """The application of one worker, on a data folder whose schema is in order."""
    folder = DataFolder(settings.path)
    database = Database(folder.database_url(settings.database_url), folder.path)
    services = wire(settings, folder, database)
    limits = RateLimits(folder.path / "limits")
    counts, metrics = Counts(database), Metrics(folder.path / METRICS)
    resolver = Resolver(AccountDirectory(database))
    longest_s = max(settings.token_life_s, ACCESS_LIFE_S)
    keys = SigningKeys(database, rotate_after_days=settings.token_key_days, token_life_s=longest_s)
    address = Address(settings.public_url.rstrip("/"), service_of(settings))
    tokens = Tokens(database, keys, resolver, service=address.service, life_s=settings.token_life_s)
    login = Login(database, resolver, Passwords(), limits)
    endpoint = TokenEndpoint(database, login, tokens, lambda request: request.scope["roadstead.client"])
    others = Starlette(
        routes=[
            *endpoint.routes(),
            *pds_routes(services, resolver, keys, login, address),
            *health(database),
            gauges.route(metrics, Gauges(database), settings.metrics_networks),
        ],
        lifespan=partial(_lifespan, services=services, limits=limits, counts=counts, metrics=metrics),
        exception_handlers={RoadsteadError: _answer_error},
    )
    return Front(
        registry(services, Views(database, resolver), tokens, address, counts),
        others,
        limits=limits,
        limit=Limit(settings.rate_limit_per_s, settings.rate_limit_burst),
        proxies=TrustedProxies(settings.trusted_proxies),
        meter=metrics,
        log_requests=settings.log_requests,
    )


def registry(services: Services, views: Views, tokens: Tokens, address: Address, counts: Counts) -> Registry:
    """The Distribution API on these services."""
    mounts = Mounts(services.database, views, services.store)
    promises = Promises(services.database, promise_terms(services.settings), now_ms)
    return Registry(
        views,
        tokens,
        address,
        pull=Pull(services.database, views, services.store, counts, promises),
        blobs=BlobPush(services.database, views, services.uploads, mounts, services.limits),
        manifests=ManifestPush(services.database, views, services.pushing(), counts, services.limits),
        discovery=Discovery(services.database, views),
    )


@contextlib.asynccontextmanager
async def _lifespan(
    _app: Starlette, services: Services, limits: RateLimits, counts: Counts, metrics: Metrics
) -> AsyncIterator[None]:
    """Runs what a worker does beside answering; at its end what was counted is written down."""
    setup_logging(services.settings)
    tasks = [asyncio.create_task(counts.run()), asyncio.create_task(metrics.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        services.uploads.close()
        services.database.close()
        limits.close()


def setup_logging(settings: Settings) -> None:
    """Logs as the settings say."""
    logging.configure(settings.log_level, settings.log_format)


async def _answer_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RoadsteadError):
        raise error
    return error_response(error)
