"""The Distribution API as one ASGI application: parse the path, know the bearer, decide, let the endpoint answer.

    path → Route → Bearer → RepositoryView → rights.require → endpoint → Answer

Every error on that way becomes the specification's JSON here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from roadstead.core.access import scope as scopes
from roadstead.core.access.challenge import challenge
from roadstead.core.access.rights import Action, Bearer, require
from roadstead.core.errors import Failure, InvalidName, InvalidRange, RoadsteadError, Unauthorized, Unsupported
from roadstead.core.oci.reference import RepositoryName
from roadstead.registry import errors
from roadstead.registry.blob_push import BlobPush
from roadstead.registry.discovery import Discovery
from roadstead.registry.exchange import (
    Answer,
    Exchange,
    Headers,
    Whole,
    answer,
    warnings,
    wire_headers,
)
from roadstead.registry.manifest_push import ManifestPush
from roadstead.registry.pull import Pull
from roadstead.registry.routes import Kind, Route, parse
from roadstead.registry.unread import METHODS, UnreadBody
from roadstead.registry.views import Views

log = structlog.get_logger()

PREFIX: Final = "/v2/"
VERSION_HEADER: Final = (b"docker-distribution-api-version", b"registry/2.0")

Endpoint = Callable[[Exchange], Awaitable[Answer]]


class Authenticator(Protocol):
    """Who knows whose token a header is."""

    async def authenticate(self, header: bytes | None) -> Bearer:
        """The bearer.

        Raises:
            Unauthorized: not a token of this server, or no longer good.
        """


@dataclass(frozen=True, slots=True)
class Address:
    """This server as clients reach it, where that is known beforehand.

    Args:
        public_url: empty where each request's Host header says it.
        service: the audience of tokens.
    """

    public_url: str
    service: str

    def base_url(self, scope: Scope) -> str:
        """The URL under which the client of this request reaches this server, without a slash at its end."""
        if self.public_url:
            return self.public_url
        host = next((value for key, value in scope["headers"] if key == b"host"), b"localhost")
        return f"{scope['scheme']}://{host.decode('latin-1')}"


class Registry:
    """The application. It answers below `/v2/`."""

    def __init__(
        self,
        views: Views,
        tokens: Authenticator,
        address: Address,
        *,
        pull: Pull,
        blobs: BlobPush,
        manifests: ManifestPush,
        discovery: Discovery,
    ) -> None:
        self._views = views
        self._tokens = tokens
        self._address = address
        self._endpoints: Mapping[tuple[Kind, str], tuple[Action | None, Endpoint]] = {
            (Kind.BASE, "GET"): (None, _base),
            (Kind.BASE, "HEAD"): (None, _base),
            (Kind.CATALOG, "GET"): (None, discovery.catalog),
            (Kind.MANIFEST, "GET"): (Action.PULL, pull.get_manifest),
            (Kind.MANIFEST, "HEAD"): (Action.PULL, pull.head_manifest),
            (Kind.MANIFEST, "PUT"): (Action.PUSH, manifests.put),
            (Kind.MANIFEST, "DELETE"): (Action.DELETE, manifests.delete),
            (Kind.BLOB, "GET"): (Action.PULL, pull.get_blob),
            (Kind.BLOB, "HEAD"): (Action.PULL, pull.head_blob),
            (Kind.BLOB, "DELETE"): (Action.DELETE, blobs.delete_blob),
            (Kind.UPLOADS, "POST"): (Action.PUSH, blobs.start),
            (Kind.UPLOAD, "GET"): (Action.PUSH, blobs.progress),
            (Kind.UPLOAD, "PATCH"): (Action.PUSH, blobs.append),
            (Kind.UPLOAD, "PUT"): (Action.PUSH, blobs.close),
            (Kind.UPLOAD, "DELETE"): (Action.PUSH, blobs.cancel),
            (Kind.TAGS, "GET"): (Action.PULL, discovery.tags),
            (Kind.REFERRERS, "GET"): (Action.PULL, discovery.referrers),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        answered: Answer
        unread = UnreadBody(scope, receive) if scope["method"] in METHODS else None
        try:
            answered = await self._answer(scope, unread or receive)
        except ClientDisconnect:
            return
        except RoadsteadError as error:
            answered = self._error(scope, error)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            answered = self._error(scope, Failure("this server failed", remedy="try again; its log says more"))
        if scope["method"] == "HEAD" and isinstance(answered, Whole):
            answered.body = b""
        answered.headers.append(VERSION_HEADER)
        if unread is not None and answered.status >= HTTPStatus.BAD_REQUEST and not await unread.drain():
            answered.headers.append((b"connection", b"close"))
        await answered.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        route = parse(scope["path"].removeprefix(PREFIX))
        endpoint = self._endpoints.get((route.kind, scope["method"]))
        if endpoint is None:
            raise Unsupported(f"{scope['method']} is not supported here")
        action, respond = endpoint
        header = next((value for key, value in scope["headers"] if key == b"authorization"), None)
        bearer = await self._tokens.authenticate(header)
        exchange = Exchange(scope, receive, route, bearer, None, self._address.base_url(scope))
        if action is None or route.name is None:
            _require_token(route, bearer)
            return await respond(exchange)
        exchange.repository = view = await self._views.of(route.name)
        require(bearer, view.rights, action)
        if route.error is not None:
            raise route.error
        answered = await respond(exchange)
        if view.is_stale or view.former_name:
            answered.headers.extend(warnings(self._views.warnings(view)))
        if b"ns=" in scope["query_string"]:
            answered.headers.extend(self._namespace(exchange))
        return answered

    def _namespace(self, exchange: Exchange) -> Headers:
        """`OCI-Namespace`, where the `ns` parameter is this server's own name: it proxies no other."""
        namespace = exchange.parameter("ns")
        own = {self._address.service, exchange.base_url.partition("://")[2]}
        return wire_headers({"OCI-Namespace": namespace}) if namespace in own else []

    def _error(self, scope: Scope, error: RoadsteadError) -> Whole:
        _code, status = errors.on_the_wire(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", method=scope["method"], path=scope["path"], error=str(error))
        fields: dict[str, str | int] = {"Content-Type": "application/json"}
        if isinstance(error, Unauthorized):
            fields["WWW-Authenticate"] = self._challenge(scope, error)
        if isinstance(error, InvalidRange):
            fields["Content-Range"] = f"bytes */{error.size_bytes}"
        wait_s = errors.retry_after_s(error)
        if wait_s is not None:
            fields["Retry-After"] = wait_s
        return answer(status, fields, errors.body(error))

    def _challenge(self, scope: Scope, error: Unauthorized) -> str:
        wanted = _wanted(scope)
        base_url = self._address.base_url(scope)
        return challenge(base_url, self._address.service, wanted, error.error)


def _wanted(scope: Scope) -> tuple[scopes.Scope, ...]:
    """The scope that a token needs for a request."""
    try:
        route = parse(scope["path"].removeprefix(PREFIX))
    except RoadsteadError:
        return ()
    if route.kind is Kind.CATALOG:
        return (scopes.CATALOG_SCOPE,)
    if route.name is None:
        return ()
    actions = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("pull", "delete")}.get(scope["method"], ("pull", "push"))
    if route.kind is Kind.UPLOAD:
        actions = ("pull", "push")
    wanted = scopes.Scope.repository(str(route.name), *actions)
    source = _mount_source(scope) if route.kind is Kind.UPLOADS else None
    return (wanted,) if source is None else (wanted, scopes.Scope.repository(str(source), "pull"))


def _mount_source(scope: Scope) -> RepositoryName | None:
    """From where a mount takes: a token that does not name it cannot mount what is private."""
    for key, value in parse_qsl(scope["query_string"].decode("latin-1")):
        if key == "from":
            try:
                return RepositoryName.parse(value)
            except InvalidName:
                return None
    return None


def _require_token(route: Route, bearer: Bearer) -> None:
    if not bearer.has_token or (route.kind is Kind.CATALOG and not bearer.catalog):
        raise Unauthorized("a token is needed", error="insufficient_scope" if bearer.has_token else "")


async def _base(_exchange: Exchange) -> Answer:
    """`GET /v2/`: that this is a registry, and that the token is good."""
    return answer(HTTPStatus.OK, {"Content-Type": "application/json"}, b"{}")
