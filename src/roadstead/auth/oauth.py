"""The errors of the token endpoint's POST, in the form of OAuth 2.0 (RFC 6749, 5.2)."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from roadstead.core.access.challenge import BASIC
from roadstead.core.errors import (
    Denied,
    Invalid,
    Misuse,
    RoadsteadError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

NO_STORE: Final = {"Cache-Control": "no-store"}
"""Tokens are nobody else's to keep (RFC 6749, 5.1)."""

MOST_BODY_BYTES: Final = 64 * 1024


class InvalidRequest(Invalid):
    """A parameter is missing, is there twice, or the body is no form."""


class BodyTooLarge(InvalidRequest):
    """More than any request for a token needs."""


class UnsupportedGrant(Invalid):
    """A `grant_type` that this server does not know."""


_ERRORS: Final[dict[type[RoadsteadError], tuple[str, int]]] = {
    # Docker's clients and containerd's go by the status: 401 is a wrong password, and some then try GET.
    Unauthorized: ("invalid_grant", 401),
    Denied: ("unauthorized_client", 403),
    UnsupportedGrant: ("unsupported_grant_type", 400),
    BodyTooLarge: ("invalid_request", 413),
    InvalidRequest: ("invalid_request", 400),
    Invalid: ("invalid_scope", 400),
    TooManyRequests: ("temporarily_unavailable", 429),
    Misuse: ("invalid_request", 400),
    Unavailable: ("temporarily_unavailable", 503),
    RoadsteadError: ("server_error", 503),
}


def oauth_error(error: RoadsteadError) -> Response:
    """The response that says `error`."""
    code, status = next(_ERRORS[kind] for kind in type(error).__mro__ if kind in _ERRORS)
    headers = dict(NO_STORE)
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = BASIC
    body = msgspec.json.encode({"error": code, "error_description": str(error)})
    return Response(body, status, headers, media_type="application/json")
