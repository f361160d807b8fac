"""GET and HEAD of manifests and blobs (OCI distribution-spec, Pull): the hottest paths of the whole system."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Final

from roadstead.content.store import BlobStore
from roadstead.core.errors import UnknownBlob, UnknownManifest
from roadstead.core.oci.content_range import ByteRange, requested
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import Reference
from roadstead.index import manifests
from roadstead.index.database import Database
from roadstead.index.manifests import StoredManifest
from roadstead.registry.exchange import Answer, Exchange, Headers, SentFile, Streamed, Whole, wire_headers
from roadstead.registry.ports import Counts
from roadstead.registry.promises import Promises
from roadstead.registry.views import Views

SMALL_BYTES: Final = 64 * 1024
"""Up to this size a blob is read, checked and answered from memory: cheaper than sending a file, and never false."""

BODIES_BYTES: Final = 16 * 1024 * 1024
"""What a worker keeps of manifests' bytes, and of small blobs'."""


class Bodies:
    """Bytes that can never change, by the digest they were checked against; bounded, least recently used out first."""

    def __init__(self, limit_bytes: int = BODIES_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The bytes, if they are here."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: str, body: bytes) -> None:
        """Keeps the bytes; a body larger than a quarter of the limit is not worth what it would push out."""
        if len(body) > self._limit_bytes // 4 or key in self._bodies:
            return
        self._bodies[key] = body
        self._held_bytes += len(body)
        while self._held_bytes > self._limit_bytes:
            _key, old = self._bodies.popitem(last=False)
            self._held_bytes -= len(old)


class Pull:
    """Answers pulls."""

    def __init__(self, database: Database, views: Views, store: BlobStore, counts: Counts, promises: Promises) -> None:
        self._database = database
        self._views = views
        self._store = store
        self._counts = counts
        self._promises = promises
        self._bodies = Bodies()
        self._blobs = Bodies()

    async def get_manifest(self, exchange: Exchange) -> Answer:
        """`GET /v2/NAME/manifests/REFERENCE`.

        Raises:
            UnknownManifest: there is none.
        """
        found = await self._manifest(exchange)
        if self._is_known(exchange, found.digest):
            return Whole(HTTPStatus.NOT_MODIFIED, wire_headers({"ETag": f'"{found.digest}"'}))
        body = await self._body(found)
        if exchange.view.row is not None and _is_pull(exchange.route.reference, found):
            self._counts.pull(exchange.view.row.id)
        return Whole(HTTPStatus.OK, _manifest_headers(found), body)

    async def head_manifest(self, exchange: Exchange) -> Answer:
        """`HEAD /v2/NAME/manifests/REFERENCE`; no pull is counted.

        Raises:
            UnknownManifest: there is none.
        """
        found = await self._manifest(exchange)
        await self._promises.manifest(exchange.view, found)
        return Whole(HTTPStatus.OK, _manifest_headers(found))

    async def get_blob(self, exchange: Exchange) -> Answer:
        """`GET /v2/NAME/blobs/DIGEST`, whole or one range of it.

        Raises:
            UnknownBlob: the repository has no link to it, or its file was cut short.
            InvalidRange: the range holds none of it.
        """
        digest, size_bytes = await self._blob(exchange)
        if self._is_known(exchange, str(digest)):
            return Whole(HTTPStatus.NOT_MODIFIED, wire_headers({"ETag": f'"{digest}"'}))
        wanted = self._range(exchange, size_bytes)
        if wanted is not None:
            return self._part(digest, wanted, size_bytes)
        headers = _blob_headers(digest, size_bytes)
        if size_bytes <= SMALL_BYTES:
            return Whole(HTTPStatus.OK, headers, await self._small(digest))
        path = self._store.path(digest)
        if path is not None and "http.response.pathsend" in exchange.scope.get("extensions", {}):
            return SentFile(HTTPStatus.OK, headers, str(path))
        return Streamed(HTTPStatus.OK, headers, self._read(digest, ByteRange(0, size_bytes - 1)))

    async def head_blob(self, exchange: Exchange) -> Answer:
        """`HEAD /v2/NAME/blobs/DIGEST`. A push relies on it, so that the link's grace begins anew.

        Raises:
            UnknownBlob: the repository has no link to it, or its file was cut short.
        """
        digest, size_bytes = await self._blob(exchange)
        await self._promises.blob(exchange.view, digest)
        return Whole(HTTPStatus.OK, _blob_headers(digest, size_bytes))

    async def _manifest(self, exchange: Exchange) -> StoredManifest:
        reference = exchange.route.reference
        if reference is None:
            raise UnknownManifest("the path names no manifest")
        return await self._views.manifest(exchange.view, reference)

    async def _body(self, found: StoredManifest) -> bytes:
        body = self._bodies.get(found.sha256)
        if body is None:
            body = await self._database.read(lambda connection: manifests.body(connection, found.sha256))
            if body is None or Digest.of(body).hex != found.sha256:
                raise UnknownManifest(
                    f"the bytes of manifest {found.digest} are damaged here",
                    remedy="push it again, and let the operator run roadstead verify",
                )
            self._bodies.put(found.sha256, body)
        return body

    async def _blob(self, exchange: Exchange) -> tuple[Digest, int]:
        digest = exchange.route.digest
        found = await self._views.blob(exchange.view, digest) if digest else None
        if digest is None or found is None or self._store.stat(digest) != found.size_bytes:
            raise UnknownBlob(f"{exchange.view.rights.name} has no blob {digest}")
        return digest, found.size_bytes

    async def _small(self, digest: Digest) -> bytes:
        key = str(digest)
        body = self._blobs.get(key)
        if body is None:
            async with self._store.open(digest) as content:
                body = b"".join([piece async for piece in content.read()])
            if Digest.of(body, digest.algorithm) != digest:
                raise UnknownBlob(f"blob {digest} is damaged here", remedy="push it again")
            self._blobs.put(key, body)
        return body

    def _range(self, exchange: Exchange, size_bytes: int) -> ByteRange | None:
        header = exchange.header(b"range")
        if header is None:
            return None
        condition = exchange.header(b"if-range")
        if condition is not None and condition.strip('"') != str(exchange.route.digest):
            return None
        return requested(header, size_bytes)

    def _part(self, digest: Digest, wanted: ByteRange, size_bytes: int) -> Answer:
        headers = _blob_headers(digest, wanted.length)
        headers.append((b"content-range", f"bytes {wanted.first}-{wanted.last}/{size_bytes}".encode()))
        return Streamed(HTTPStatus.PARTIAL_CONTENT, headers, self._read(digest, wanted))

    async def _read(self, digest: Digest, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        async with self._store.open(digest) as content:
            async for piece in content.read(wanted.first, wanted.length):
                yield piece

    @staticmethod
    def _is_known(exchange: Exchange, digest: str) -> bool:
        condition = exchange.header(b"if-none-match")
        return condition is not None and digest in condition


def _is_pull(reference: Reference | None, found: StoredManifest) -> bool:
    """A pull of an index gets its children by digest: they are counted once, with the index."""
    return not (isinstance(reference, Digest) and found.is_child)


def _manifest_headers(found: StoredManifest) -> Headers:
    digest = found.digest.encode()
    return [
        (b"content-type", found.media_type.encode()),
        (b"content-length", str(found.size_bytes).encode()),
        (b"docker-content-digest", digest),
        (b"etag", b'"' + digest + b'"'),
    ]


def _blob_headers(digest: Digest, length_bytes: int) -> Headers:
    spelled = str(digest).encode()
    return [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", str(length_bytes).encode()),
        (b"docker-content-digest", spelled),
        (b"etag", b'"' + spelled + b'"'),
        (b"accept-ranges", b"bytes"),
        (b"x-content-type-options", b"nosniff"),
    ]
