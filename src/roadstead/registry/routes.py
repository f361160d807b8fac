"""What a path and a method ask for (OCI distribution-spec, Endpoints). Pure: text in, a `Route` out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from roadstead.core.errors import (
    InvalidDigest,
    InvalidName,
    RoadsteadError,
    Unknown,
    UnknownManifest,
    UnknownUpload,
)
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import Reference, RepositoryName, parse_reference


class Kind(StrEnum):
    """What a path names."""

    BASE = "base"
    CATALOG = "catalog"
    TAGS = "tags"
    MANIFEST = "manifest"
    BLOB = "blob"
    UPLOADS = "uploads"
    UPLOAD = "upload"
    REFERRERS = "referrers"


@dataclass(frozen=True, slots=True)
class Route:
    """A path under `/v2/`, parsed.

    Args:
        error: why the path can be answered with an error only; the asker's rights come first all the same.
    """

    kind: Kind
    name: RepositoryName | None = None
    reference: Reference | None = None
    digest: Digest | None = None
    upload_id: str = ""
    error: RoadsteadError | None = None


_TAILS: Final = (
    (Kind.TAGS, re.compile(r"(.*)/tags/list", re.DOTALL)),
    (Kind.UPLOADS, re.compile(r"(.*)/blobs/uploads/?", re.DOTALL)),
    (Kind.UPLOAD, re.compile(r"(.*)/blobs/uploads/([^/]+)", re.DOTALL)),
    (Kind.MANIFEST, re.compile(r"(.*)/manifests/([^/]+)", re.DOTALL)),
    (Kind.BLOB, re.compile(r"(.*)/blobs/([^/]+)", re.DOTALL)),
    (Kind.REFERRERS, re.compile(r"(.*)/referrers/([^/]+)", re.DOTALL)),
)
_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")


class _Wrong(Exception):
    """A route with an error, on its way past the cache, which keeps what is returned alone."""

    def __init__(self, route: Route) -> None:
        super().__init__()
        self.route = route


def parse(path: str) -> Route:
    """What `path`, decoded and without `/v2/` before it, names.

    Raises:
        InvalidName: the repository's name is malformed.
        Unknown: the specification has no such path.
    """
    try:
        return _remembered(path)
    except _Wrong as wrong:
        return wrong.route


@lru_cache(maxsize=8192)
def _remembered(path: str) -> Route:
    """Only good paths, whose length is bounded; an error raised again and again keeps a traceback of each time."""
    route = _parse(path)
    if route.error is not None:
        raise _Wrong(route)
    return route


def _parse(path: str) -> Route:
    if not path:
        return Route(Kind.BASE)
    if path == "_catalog":
        return Route(Kind.CATALOG)
    for kind, pattern in _TAILS:
        match = pattern.fullmatch(path)
        if match is not None:
            return _route(kind, RepositoryName.parse(match[1]), match[2] if pattern.groups > 1 else "")
    raise Unknown(f"/v2/{path[:120]} is no path of the distribution specification")


def _route(kind: Kind, name: RepositoryName, tail: str) -> Route:
    try:
        if kind is Kind.MANIFEST:
            return Route(kind, name, reference=parse_reference(tail))
        if kind in (Kind.BLOB, Kind.REFERRERS):
            return Route(kind, name, digest=Digest.parse(tail))
    except InvalidName as error:
        # A tag that nobody can have pushed: for the specification it is unknown, not malformed.
        return Route(kind, name, error=UnknownManifest(error.message))
    except InvalidDigest as error:
        return Route(kind, name, error=error)
    if kind is Kind.UPLOAD and not _UPLOAD_ID.fullmatch(tail):
        return Route(kind, name, error=UnknownUpload(f"upload session {tail[:80]!r} is unknown"))
    return Route(kind, name, upload_id=tail)
