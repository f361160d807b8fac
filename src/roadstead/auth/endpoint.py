"""`/auth/token`: where clients get their tokens.

GET with Basic credentials or none (distribution.github.io/distribution/spec/auth/token), and POST as OAuth 2.0 has
it, with a password or a refresh token (…/spec/auth/oauth; RFC 6749, 4.3 and 6). Errors of GET are raised, for
whoever answers in the registry's own form; those of POST are answered here.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadstead.auth import refresh
from roadstead.auth.login import Login
from roadstead.auth.oauth import (
    MOST_BODY_BYTES,
    NO_STORE,
    BodyTooLarge,
    InvalidRequest,
    UnsupportedGrant,
    oauth_error,
)
from roadstead.auth.tokens import IssuedToken, Tokens
from roadstead.core.access.client_address import Client
from roadstead.core.access.rights import ANONYMOUS, Asker
from roadstead.core.access.scope import Scope, parse_scopes
from roadstead.core.errors import RoadsteadError, Unauthorized
from roadstead.index.database import Database

PATH: Final = "/auth/token"
MOST_FIELDS: Final = 64

Form = Mapping[str, Sequence[str]]


class TokenEndpoint:
    """Answers requests for tokens.

    Args:
        client_of: from whom a request is.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        login: Login,
        tokens: Tokens,
        client_of: Callable[[Request], Client],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._login = login
        self._tokens = tokens
        self._client_of = client_of
        self._clock = clock

    def routes(self) -> list[Route]:
        """What to serve."""
        return [Route(PATH, self.get, methods=["GET"]), Route(PATH, self.post, methods=["POST"])]

    async def get(self, request: Request) -> Response:
        """A token for who sends a name and a password, or for anybody.

        Raises:
            Unauthorized: the name or the password is wrong.
            TooManyRequests: too many failed attempts.
            Invalid: a scope is malformed.
        """
        scopes = parse_scopes(request.query_params.getlist("scope"))
        asker = await self._basic(request)
        wants_refresh = request.query_params.get("offline_token", "").lower() in ("true", "1")
        return await self._answer(asker, scopes, await self._refresh_token(asker, wanted=wants_refresh))

    async def post(self, request: Request) -> Response:
        """A token for a password or a refresh token."""
        try:
            form = _form(await _body(request))
            scopes = parse_scopes(form.get("scope", ()))
            grant = _one(form, "grant_type")
            if grant == "password":
                return await self._by_password(request, form, scopes)
            if grant == "refresh_token":
                return await self._by_refresh_token(form, scopes)
            raise UnsupportedGrant(f"grant_type is {grant[:80]!r}", remedy="expected password or refresh_token")
        except RoadsteadError as error:
            return oauth_error(error)

    async def _by_password(self, request: Request, form: Form, scopes: Sequence[Scope]) -> Response:
        asker = await self._login(_one(form, "username"), _one(form, "password"), self._client_of(request).limited_as)
        wants_refresh = form.get("access_type", ("",))[0] == "offline"
        return await self._answer(asker, scopes, await self._refresh_token(asker, wanted=wants_refresh))

    async def _by_refresh_token(self, form: Form, scopes: Sequence[Scope]) -> Response:
        secret, now_ms = _one(form, "refresh_token"), self._now_ms()
        asker = await self._database.write(
            lambda connection: refresh.use(connection, secret, "registry", now_ms=now_ms)
        )
        return await self._answer(asker, scopes, secret)

    async def _basic(self, request: Request) -> Asker:
        header = request.headers.get("authorization")
        username, password = _basic_credentials(header) if header is not None else ("", "")
        if not username and not password:
            return ANONYMOUS
        return await self._login(username, password, self._client_of(request).limited_as)

    async def _refresh_token(self, asker: Asker, *, wanted: bool) -> str | None:
        if not wanted or asker.account_id is None:
            return None
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: refresh.issue(connection, asker, "registry", now_ms=now_ms)
        )

    async def _answer(self, asker: Asker, scopes: Sequence[Scope], refresh_token: str | None) -> Response:
        token = await self._tokens.issue(asker, scopes)
        return Response(msgspec.json.encode(_shape(token, refresh_token)), 200, NO_STORE, "application/json")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _shape(token: IssuedToken, refresh_token: str | None) -> dict[str, Any]:
    """Both names of the token: older clients read `token`, OAuth 2.0's read `access_token`."""
    issued_at = datetime.fromtimestamp(token.issued_at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shape = {
        "token": token.text,
        "access_token": token.text,
        "token_type": "Bearer",
        "expires_in": token.expires_in_s,
        "issued_at": issued_at,
    }
    return shape if refresh_token is None else {**shape, "refresh_token": refresh_token}


def _basic_credentials(header: str) -> tuple[str, str]:
    """Name and password of an `Authorization` header (RFC 7617).

    Raises:
        Unauthorized: it has none.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError("no colon")
    except (ValueError, binascii.Error):
        raise Unauthorized(
            "the Authorization header is not understood here", remedy="expected Basic and NAME:PASSWORD in base64"
        ) from None
    return username, password


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BODY_BYTES:
            raise BodyTooLarge(f"the body is longer than {MOST_BODY_BYTES} bytes", remedy="ask for fewer scopes")
        pieces.append(piece)
    return b"".join(pieces)


def _form(body: bytes) -> Form:
    try:
        return parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
            strict_parsing=True,
        )
    except ValueError:
        raise InvalidRequest("the body is not a form", remedy="expected application/x-www-form-urlencoded") from None


def _one(form: Form, name: str) -> str:
    values = form.get(name, ())
    if len(values) != 1 or not values[0]:
        raise InvalidRequest(f"{name} was given {len(values)} times, or empty", remedy="expected it once")
    return values[0]
