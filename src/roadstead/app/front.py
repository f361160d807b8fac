"""What every request passes first: who sent it, whether it may ask so often, and afterwards the log and the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final, Protocol

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadstead.auth.origin import client_of
from roadstead.auth.rate_limit import RateLimits
from roadstead.core.access.challenge import BASIC
from roadstead.core.access.client_address import TrustedProxies
from roadstead.core.access.token_bucket import Limit
from roadstead.core.errors import RoadsteadError, TooManyRequests, Unauthorized
from roadstead.registry import errors

log = structlog.get_logger()

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SENDING: Final = frozenset({"PATCH", "PUT"})
"""A 429 to these ends a push by podman, buildah and skopeo, which cannot send a body twice: they are made to wait."""
LONGEST_WAIT_S: Final = 60
FAILED: Final = 400
CHALLENGED: Final = 401
"""How every push and pull begins: no failure."""
LONGEST_LOGGED: Final = 1024
"""How much of a path is logged: a client may ask for one of 60 KB, again and again."""
UNLIMITED_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What an orchestrator asks, from one address, for good."""

_TRY_AGAIN_LATER: Final = 1013


class Meter(Protocol):
    """Who keeps figures of requests."""

    def observe(self, scope: Scope, status: int, seconds: float, received: int = 0, sent: int = 0) -> None:
        """Notes one request that was answered, and the bytes of its body and of the answer's."""


class Front:
    """Passes requests on: what is below `/v2/` to the registry, all else to the other application.

    Args:
        limit: of requests of one client address, over all workers of this machine.
        log_requests: see `roadstead.app.settings.Settings.log_requests`.
    """

    def __init__(
        self,
        registry: ASGIApp,
        others: ASGIApp,
        *,
        limits: RateLimits,
        limit: Limit,
        proxies: TrustedProxies,
        meter: Meter,
        log_requests: str,
    ) -> None:
        self._registry = registry
        self._others = others
        self._limits = limits
        self._limit = limit
        self._proxies = proxies
        self._meter = meter
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs one web socket or the lifespan."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        started = time.perf_counter()
        status = sent = 0

        async def noting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = _length(message["headers"]) if scope["method"] != "HEAD" else 0
            await send(message)

        try:
            await self._pass_on(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - started
            self._meter.observe(scope, status, seconds, _length(scope["headers"]), sent)
            if self._is_logged(scope["method"], status):
                _log(scope, status, seconds)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        client = client_of(scope, self._proxies)
        scope["scheme"] = client.scheme
        scope["roadstead.client"] = client
        try:
            if path not in UNLIMITED_PATHS:
                await self._admit(scope["method"], client.limited_as)
        except TooManyRequests as error:
            await error_response(error)(scope, receive, send)
            return
        to = self._registry if path.startswith("/v2/") or path == "/v2" else self._others
        await to(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope, self._proxies)
        scope["roadstead.client"] = client
        try:
            self._limits.take("requests", client.limited_as, self._limit)
        except TooManyRequests:
            # Before it is accepted, there is no other way to say why than the status, which the server makes of this.
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
            return
        await self._others(scope, receive, send)

    async def _admit(self, method: str, whom: str) -> None:
        """Takes a token, and waits for it where the client could not come again.

        Raises:
            TooManyRequests: there is none.
        """
        waited_s = 0
        while True:
            try:
                return self._limits.take("requests", whom, self._limit)
            except TooManyRequests as error:
                waited_s += error.retry_after_s
                if method not in SENDING or waited_s > LONGEST_WAIT_S:
                    raise
                await asyncio.sleep(error.retry_after_s)

    def _is_logged(self, method: str, status: int) -> bool:
        if self._log_requests == "changes":
            return method not in READING or (status >= FAILED and status != CHALLENGED)
        return self._log_requests == "all"


def error_response(error: RoadsteadError) -> Response:
    """An error in the registry's form, which this server's other plain endpoints share."""
    _code, status = errors.on_the_wire(error)
    wait_s = errors.retry_after_s(error)
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = BASIC
    return Response(errors.body(error), status, headers, "application/json")


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """What Content-Length says; 0 for a stream."""
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _log(scope: Scope, status: int, seconds: float) -> None:
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"][:LONGEST_LOGGED],
        status=status,
        client=scope["roadstead.client"].address,
        duration_ms=round(seconds * 1000, 1),
    )
