"""PUT and DELETE of manifests and tags (OCI distribution-spec, Pushing manifests; Content management).

What a manifest names has to be there first: every blob by a link of the repository, every child by its manifest. The
check, the records, the signed commit over them and the index are one change of one record store; a push that finds
the repository moved to the other store meanwhile (`repo publish`, `repo hide`) starts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from roadstead.content.store import BlobStore
from roadstead.core.digest import DEFAULT_ALGORITHM, Digest
from roadstead.core.errors import Conflict, InvalidDigest, ManifestTooLarge, TooManyTags, UnknownManifest
from roadstead.core.manifest import Manifest, parse
from roadstead.core.reference import Tag
from roadstead.index.database import Database
from roadstead.index.manifests import ManifestRow
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.blob_push import PushLimits, ensure, now_ms
from roadstead.registry.changes import HoldIdentity, Moved, Pushed, PutManifest, Removal
from roadstead.registry.exchange import Answer, Exchange, answer
from roadstead.registry.platform import platform_of
from roadstead.registry.ports import Change, Counts, RecordStore

MAX_TAGS: Final = 64
"""Tags that one PUT may set; the specification asks for ten at least."""

ATTEMPTS: Final = 3
"""How often a push starts anew when its repository is published or hidden under it."""


class ManifestPush:
    """Answers pushes and deletions of manifests and tags.

    Args:
        stores: the record store of each visibility.
        hold: asked at each push, as `roadstead rehost` may change it.
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        stores: Mapping[str, RecordStore],
        counts: Counts,
        limits: PushLimits,
        hold: Callable[[], HoldIdentity],
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._store = store
        self._stores = stores
        self._counts = counts
        self._limits = limits
        self._hold = hold
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
        view = exchange.view
        repository = view.row or await ensure(self._database, view.rights, self._limits.visibility, self._clock_ms())
        await self.push(repository, Pushed(manifest, digest, body, tags))
        self._counts.push(repository.id)
        return _created(exchange, digest, manifest, tags)

    async def push(self, repository: RepositoryRow, pushed: Pushed) -> None:
        """Puts a manifest and its tags into a repository.

        Raises:
            UnknownManifestBlob: the repository lacks something that the manifest names.
        """
        platform = await platform_of(self._store, pushed.manifest.config)
        row = ManifestRow.of(pushed.manifest, pushed.digest, pushed.body, platform, self._clock_ms())
        hold = self._hold()
        await self._commit(repository, lambda current, store: PutManifest(current, store, pushed, row, hold))

    async def delete(self, exchange: Exchange) -> Answer:
        """`DELETE /v2/NAME/manifests/REFERENCE`: a tag alone, or a manifest with its tags.

        Raises:
            UnknownManifest: there is none.
        """
        repository, reference = exchange.view.row, exchange.route.reference
        if repository is None or reference is None:
            raise UnknownManifest(f"{exchange.view.rights.name} has no manifest {reference}")
        await self.remove(repository, str(reference), is_tag=isinstance(reference, Tag))
        return answer(HTTPStatus.ACCEPTED)

    async def remove(self, repository: RepositoryRow, reference: str, *, is_tag: bool) -> None:
        """Removes a tag, or a manifest with its tags, records and all.

        Raises:
            UnknownManifest: there is none.
        """
        await self._commit(repository, lambda current, store: Removal(current, store, reference, is_tag))

    async def _commit(
        self, repository: RepositoryRow, change: Callable[[RepositoryRow, RecordStore], PutManifest | Removal]
    ) -> None:
        """Commits a change to the store where the repository's records are at the moment of the commit."""
        current = repository
        for _ in range(ATTEMPTS):
            store = self._stores[current.visibility]
            step = change(current, store)
            try:
                await store.commit(Change(current.account_id, step.prepare, step.index))
            except Moved as moved:
                current = moved.row
            else:
                return
        raise Conflict(f"{repository.name} is being published or hidden", remedy="push again")

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
