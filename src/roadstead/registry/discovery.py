"""Lists: tags, referrers and the catalog (OCI distribution-spec, Content discovery)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Action, Asker, Visibility
from roadstead.core.errors import Invalid, UnknownName
from roadstead.core.oci.manifest import OCI_INDEX
from roadstead.index import manifests
from roadstead.index.database import Database
from roadstead.index.dialects import exists
from roadstead.index.manifests import Referrer
from roadstead.index.repositories import readable_page
from roadstead.index.tables import grants, repositories
from roadstead.registry.exchange import Answer, Exchange, answer
from roadstead.registry.views import Views

CATALOG_PAGE: Final = 1000
REFERRERS_PAGE: Final = 500
REFERRERS_PAGE_BYTES: Final = 4 * 1024 * 1024
"""Clients need not take a larger manifest, which a page of referrers is; one that is larger by itself comes alone."""

TAGS_PAGE: Final = 10_000
"""The largest pages, and those of who asks for none: an answer's size is bounded, whatever a repository holds."""


class Discovery:
    """Answers lists."""

    def __init__(self, database: Database, views: Views) -> None:
        self._database = database
        self._views = views

    async def tags(self, exchange: Exchange) -> Answer:
        """`GET /v2/NAME/tags/list?n=N&last=TAG`.

        Raises:
            UnknownName: there is no such repository.
        """
        if exchange.view.row is None:
            raise UnknownName(f"there is no repository {exchange.view.rights.name}")
        limit, last = _page_size(exchange, TAGS_PAGE), exchange.parameter("last") or ""
        found = await self._views.tags(exchange.view, last, limit + 1 if limit else 0)
        page = found[:limit]
        fields = _json_fields()
        if len(found) > limit > 0:
            fields["Link"] = _link(f"/v2/{exchange.route.name}/tags/list", {"n": limit, "last": page[-1]})
        return answer(HTTPStatus.OK, fields, msgspec.json.encode({"name": str(exchange.route.name), "tags": page}))

    async def referrers(self, exchange: Exchange) -> Answer:
        """`GET /v2/NAME/referrers/DIGEST?artifactType=TYPE`: an index, empty for a subject without any."""
        row, subject = exchange.view.row, str(exchange.route.digest)
        artifact_type, last = exchange.parameter("artifactType") or None, exchange.parameter("last") or ""
        limit = min(_page_size(exchange, REFERRERS_PAGE) or REFERRERS_PAGE, REFERRERS_PAGE)

        def work(connection: Connection) -> tuple[list[Referrer], bool]:
            if row is None:
                return [], False
            bounds = {"limit": limit, "limit_bytes": REFERRERS_PAGE_BYTES}
            return manifests.referrers(connection, row.id, subject, artifact_type, last, **bounds)

        page, is_more = await self._database.read(work)
        fields = _json_fields(OCI_INDEX)
        if artifact_type:
            fields["OCI-Filters-Applied"] = "artifactType"
        if is_more:
            query: dict[str, str | int] = {"n": limit, "last": page[-1].digest}
            query |= {"artifactType": artifact_type} if artifact_type else {}
            fields["Link"] = _link(f"/v2/{exchange.route.name}/referrers/{subject}", query)
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(entry) for entry in page]}
        # Not msgspec: annotations can hold half a surrogate pair, which only an escape can spell.
        return answer(HTTPStatus.OK, fields, json.dumps(index, separators=(",", ":")).encode())

    async def catalog(self, exchange: Exchange) -> Answer:
        """`GET /v2/_catalog?n=N&last=NAME`: the repositories that the asker may see."""
        limit, last = _page_size(exchange, CATALOG_PAGE), exchange.parameter("last") or ""
        asker = exchange.bearer.asker
        found = await self._database.read(lambda connection: readable(connection, asker, last, limit))
        fields = _json_fields()
        if len(found) > limit > 0:
            fields["Link"] = _link("/v2/_catalog", {"n": limit, "last": found[limit - 1]})
        return answer(HTTPStatus.OK, fields, msgspec.json.encode({"repositories": found[:limit]}))


def readable(connection: Connection, asker: Asker, last: str, limit: int) -> Sequence[str]:
    """Names that come after `last` and that the asker may pull from: `limit` of them, and one more if there is one."""
    found: list[str] = []
    rows = _may_pull(asker)
    while len(found) <= limit and limit:
        page = readable_page(connection, rows, last, limit + 1)
        found += [name for name, visibility in page if _is_covered(asker, name, visibility)]
        if len(page) <= limit:
            break
        last, _visibility = page[-1]
    return found[: limit + 1]


def _is_covered(asker: Asker, name: str, visibility: str) -> bool:
    """What an app password cannot see is private: what is public is refused to nobody."""
    return asker.limits is None or visibility == Visibility.PUBLIC or asker.limits.cover(name, Action.PULL)


def _may_pull(asker: Asker) -> sa.ColumnElement[bool]:
    """`roadstead.core.access.rights.decide` for pulls, as a condition on rows: a test holds that the two agree."""
    public = repositories.c.visibility == Visibility.PUBLIC.value
    if asker.account_id is None:
        return public
    granted = exists(
        grants.c.repository_id == repositories.c.id,
        grants.c.account_id == asker.account_id,
        grants.c.action.in_([Action.PULL.value, Action.PUSH.value]),
    )
    return sa.or_(public, repositories.c.account_id == asker.account_id, granted)


def _page_size(exchange: Exchange, most: int) -> int:
    """What `n` asks for, at most `most`.

    Raises:
        Invalid: it is no number.
    """
    text = exchange.parameter("n")
    if text is None:
        return most
    if not text.isdecimal() or len(text) > 9:
        raise Invalid(f"n is {text[:40]!r}; expected a number of entries, 0 or more")
    return min(int(text), most)


def _descriptor(entry: Referrer) -> dict[str, object]:
    found: dict[str, object] = {"mediaType": entry.media_type, "digest": entry.digest, "size": entry.size_bytes}
    if entry.artifact_type:
        found["artifactType"] = entry.artifact_type
    if entry.annotations:
        found["annotations"] = entry.annotations
    return found


def _json_fields(content_type: str = "application/json") -> dict[str, str | int]:
    return {"Content-Type": content_type}


def _link(path: str, query: dict[str, str | int]) -> str:
    return f'<{quote(path, safe="/:@")}?{urlencode(query)}>; rel="next"'
