"""PUT and DELETE of manifests and tags (OCI distribution-spec, Pushing manifests; Content management)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final

from roadstead.core.access.rights import Action
from roadstead.core.errors import InvalidDigest, ManifestTooLarge, TooManyTags, UnknownManifest
from roadstead.core.oci.digest import DEFAULT_ALGORITHM, Digest
from roadstead.core.oci.manifest import Manifest, parse
from roadstead.core.oci.reference import Tag
from roadstead.index.clock import now_ms
from roadstead.index.database import Database
from roadstead.registry.changes import Pushed
from roadstead.registry.exchange import Answer, Exchange, answer
from roadstead.registry.permission import still_permitted
from roadstead.registry.ports import Counts
from roadstead.registry.pushing import Pushing
from roadstead.registry.target import PushLimits, target_of
from roadstead.registry.views import Views

MAX_TAGS: Final = 64
"""Tags that one PUT may set; the specification asks for ten at least."""


class ManifestPush:
    """Answers pushes and deletions of manifests and tags.

    Args:
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        views: Views,
        pushing: Pushing,
        counts: Counts,
        limits: PushLimits,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._views = views
        self._pushing = pushing
        self._counts = counts
        self._limits = limits
        self._clock_ms = clock_ms

    async def put(self, exchange: Exchange) -> Answer:
        """`PUT /v2/NAME/manifests/REFERENCE`, by digest with any number of `tag` parameters.

        Raises:
            ManifestTooLarge, InvalidManifest: it cannot be taken.
            InvalidDigest: its bytes do not have the digest of the path.
            UnknownManifestBlob: the repository lacks something that it names.
        """
        tags = _tags(exchange)
        body = await self._body(exchange)
        content_type = exchange.header(b"content-type")
        manifest = parse(body, content_type.partition(";")[0].strip() if content_type else None)
        digest = _digest(exchange, body)
        view = await still_permitted(self._views, exchange, Action.PUSH)
        repository = await target_of(self._database, view, self._limits, self._clock_ms())
        await self._pushing.push(repository, Pushed(manifest, digest, body, tags))
        self._counts.push(repository.id)
        return _created(exchange, digest, manifest, tags)

    async def delete(self, exchange: Exchange) -> Answer:
        """`DELETE /v2/NAME/manifests/REFERENCE`: a tag alone, or a manifest with its tags.

        Raises:
            UnknownManifest: there is none.
        """
        repository, reference = exchange.view.row, exchange.route.reference
        if repository is None or reference is None:
            raise UnknownManifest(f"{exchange.view.rights.name} has no manifest {reference}")
        await self._pushing.remove(repository, str(reference), is_tag=isinstance(reference, Tag))
        return answer(HTTPStatus.ACCEPTED)

    async def _body(self, exchange: Exchange) -> bytes:
        limit = self._limits.manifest_bytes
        if (exchange.content_length() or 0) > limit:
            raise _too_large(limit)
        pieces: list[bytes] = []
        size_bytes = 0
        async for piece in exchange.body():
            size_bytes += len(piece)
            if size_bytes > limit:
                raise _too_large(limit)
            pieces.append(piece)
        return b"".join(pieces)


def _tags(exchange: Exchange) -> tuple[Tag, ...]:
    """The tag of the path, and those of the query where the path is a digest."""
    reference = exchange.route.reference
    named = [reference] if isinstance(reference, Tag) else [Tag.parse(text) for text in exchange.parameters("tag")]
    if len(named) > MAX_TAGS:
        raise TooManyTags(f"the request sets {len(named)} tags; at most {MAX_TAGS} are allowed at once")
    return tuple(dict.fromkeys(named))


def _digest(exchange: Exchange, body: bytes) -> Digest:
    reference = exchange.route.reference
    if not isinstance(reference, Digest):
        return Digest.of(body, DEFAULT_ALGORITHM)
    digest = Digest.of(body, reference.algorithm)
    if digest != reference:
        raise InvalidDigest(f"the manifest has the digest {digest}, not {reference}", detail={"digest": str(digest)})
    return digest


def _too_large(limit: int) -> ManifestTooLarge:
    return ManifestTooLarge(f"the manifest is larger than the {limit} bytes allowed", detail={"limit": limit})


def _created(exchange: Exchange, digest: Digest, manifest: Manifest, tags: Sequence[Tag]) -> Answer:
    fields = {
        "Location": f"{exchange.base_url}/v2/{exchange.route.name}/manifests/{digest}",
        "Docker-Content-Digest": str(digest),
    }
    if manifest.subject:
        fields["OCI-Subject"] = str(manifest.subject.digest)
    created = answer(HTTPStatus.CREATED, fields)
    if isinstance(exchange.route.reference, Digest):
        created.headers.extend((b"oci-tag", tag.name.encode()) for tag in tags)
    return created
