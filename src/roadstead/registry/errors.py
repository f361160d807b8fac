"""The one map from our errors to the codes and statuses of the registry's wire (OCI distribution-spec, Error Codes).

`UNAVAILABLE` is the one code beside the specification's: what this server or its disk cannot do right now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from roadstead.core import errors
from roadstead.core.errors import RoadsteadError

UNAVAILABLE: Final = "UNAVAILABLE"

WIRE: Final[Mapping[type[RoadsteadError], tuple[str, int]]] = {
    errors.InvalidDigest: ("DIGEST_INVALID", 400),
    errors.InvalidName: ("NAME_INVALID", 400),
    errors.InvalidManifest: ("MANIFEST_INVALID", 400),
    errors.ManifestTooLarge: ("SIZE_INVALID", 413),
    errors.InvalidUpload: ("BLOB_UPLOAD_INVALID", 400),
    errors.RangeOutOfOrder: ("BLOB_UPLOAD_INVALID", 416),
    errors.InvalidRange: ("SIZE_INVALID", 416),
    errors.Misuse: ("UNSUPPORTED", 400),
    errors.UnknownName: ("NAME_UNKNOWN", 404),
    errors.UnknownManifest: ("MANIFEST_UNKNOWN", 404),
    errors.UnknownBlob: ("BLOB_UNKNOWN", 404),
    errors.UnknownManifestBlob: ("MANIFEST_BLOB_UNKNOWN", 404),
    errors.UnknownUpload: ("BLOB_UPLOAD_UNKNOWN", 404),
    errors.Unknown: ("NAME_UNKNOWN", 404),
    errors.Unauthorized: ("UNAUTHORIZED", 401),
    errors.Denied: ("DENIED", 403),
    errors.Conflict: ("BLOB_UPLOAD_INVALID", 409),
    errors.TooManyRequests: ("TOOMANYREQUESTS", 429),
    errors.Unsupported: ("UNSUPPORTED", 405),
    errors.TooManyTags: ("UNSUPPORTED", 414),
    errors.StorageFull: (UNAVAILABLE, 507),
    errors.RoadsteadError: (UNAVAILABLE, 503),
}
"""An error is answered as the nearest of its classes that stands here."""

RETRY_AFTER_S: Final = 5
"""What a failure that names no time of its own asks the client to wait."""


def on_the_wire(error: RoadsteadError) -> tuple[str, int]:
    """The code and the HTTP status that tell a client of `error`."""
    return next(WIRE[cls] for cls in type(error).__mro__ if cls in WIRE)


def body(error: RoadsteadError) -> bytes:
    """The JSON that the specification asks for."""
    code, _status = on_the_wire(error)
    entry: dict[str, object] = {"code": code, "message": str(error)}
    if error.detail is not None:
        entry["detail"] = error.detail
    return msgspec.json.encode({"errors": [entry]})


def retry_after_s(error: RoadsteadError) -> int | None:
    """What `Retry-After` says, for the statuses that have one."""
    _code, status = on_the_wire(error)
    if status not in (429, 503, 507):
        return None
    own: int = getattr(error, "retry_after_s", RETRY_AFTER_S)
    return own
