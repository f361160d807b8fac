"""Our errors as XRPC tells them (AT Protocol HTTP API specification, section Error Responses). The one map of it."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from roadstead.core import errors
from roadstead.core.errors import Invalid, RoadsteadError, TooManyRequests, Unauthorized, Unavailable, Unknown


class InvalidInvite(Invalid):
    """An account was asked for, which only the operator makes."""


class UnknownHandle(Unknown):
    """No account of this server has the handle."""


class TooLarge(Invalid):
    """A body above the limit of its method."""


class WrongMethod(Invalid):
    """A query was posted, or a procedure got."""


WIRE: Final[dict[type[RoadsteadError], tuple[str, int]]] = {
    errors.Invalid: ("InvalidRequest", 400),
    InvalidInvite: ("InvalidInviteCode", 400),
    TooLarge: ("PayloadTooLarge", 413),
    WrongMethod: ("InvalidRequest", 405),
    errors.Unknown: ("InvalidRequest", 404),
    errors.UnknownName: ("RepoNotFound", 400),
    errors.UnknownRecord: ("RecordNotFound", 400),
    errors.UnknownBlob: ("BlobNotFound", 400),
    UnknownHandle: ("HandleNotFound", 400),
    errors.Unauthorized: ("AuthenticationRequired", 401),
    errors.Denied: ("Forbidden", 403),
    errors.Conflict: ("InvalidSwap", 400),
    errors.TooManyRequests: ("RateLimitExceeded", 429),
    errors.Unsupported: ("MethodNotImplemented", 501),
    errors.Misbehaviour: ("InternalServerError", 500),
    errors.Failure: ("InternalServerError", 500),
    errors.Unavailable: ("NotEnoughResources", 503),
    errors.StorageFull: ("NotEnoughResources", 507),
    errors.RoadsteadError: ("InternalServerError", 500),
}
"""An error is told as the nearest of its classes that stands here."""

OF_TOKEN: Final = {"expired_token": ("ExpiredToken", 400), "invalid_token": ("InvalidToken", 400)}
"""What is told of a token that was sent and is not good, by `Unauthorized.error`: clients refresh what has expired."""


def on_the_wire(error: RoadsteadError) -> tuple[str, int]:
    """The name and the HTTP status that tell a client of `error`."""
    if isinstance(error, Unauthorized) and error.error in OF_TOKEN:
        return OF_TOKEN[error.error]
    return next(WIRE[kind] for kind in type(error).__mro__ if kind in WIRE)


def response(error: RoadsteadError) -> Response:
    """The answer that tells of `error`."""
    name, status = on_the_wire(error)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="pds"'
    body = msgspec.json.encode({"error": name, "message": str(error)})
    return Response(body, status, headers, media_type="application/json")
