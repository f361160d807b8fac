"""Upload sessions and mounts (OCI distribution-spec, Pushing blobs; Mounting a blob from another repository).

A session belongs to one account and one repository; for anybody else it is unknown. The bytes and how far they got
are `roadstead.content.uploads`'; here they get their right: the link that the closing request makes, in the same
transaction in which the blob becomes known.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import structlog
from sqlalchemy.engine import Connection

from roadstead.content.upload import Upload, Verified
from roadstead.content.uploads import Uploads
from roadstead.core.access.rights import Action
from roadstead.core.errors import InvalidDigest, RoadsteadError, TooManyRequests, UnknownBlob, UnknownUpload
from roadstead.core.oci.content_range import check_chunk
from roadstead.core.oci.digest import DEFAULT_ALGORITHM, Digest, check_algorithm
from roadstead.index import links, uploads
from roadstead.index.clock import now_ms
from roadstead.index.database import Database, touch
from roadstead.index.repositories import RepositoryRow
from roadstead.index.uploads import UploadRow
from roadstead.registry.exchange import Answer, Exchange, answer
from roadstead.registry.mounts import Mounts
from roadstead.registry.permission import still_permitted
from roadstead.registry.target import PushLimits, target_of
from roadstead.registry.views import Views

log = structlog.get_logger()


class BlobPush:
    """Answers pushes of blobs.

    Args:
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        views: Views,
        sessions: Uploads,
        mounts: Mounts,
        limits: PushLimits,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._views = views
        self._sessions = sessions
        self._mounts = mounts
        self._limits = limits
        self._clock_ms = clock_ms
        self._finishing: set[asyncio.Task[None]] = set()

    async def start(self, exchange: Exchange) -> Answer:
        """`POST /v2/NAME/blobs/uploads/`: a session, a mount (`mount`, `from`), or a blob in one request (`digest`)."""
        repository = await target_of(self._database, exchange.view, self._limits, self._clock_ms())
        mounted = exchange.parameter("mount")
        if mounted is not None:
            digest = Digest.parse(mounted)
            source = exchange.parameter("from")
            if await self._mounts.mount(exchange.bearer, repository, digest, source):
                return _created(exchange, digest)
        given = exchange.parameter("digest")
        if given is not None and exchange.content_length() != 0:
            return await self._whole(exchange, repository, Digest.parse(given))
        algorithm = exchange.parameter("digest-algorithm") or (
            Digest.parse(given).algorithm if given else DEFAULT_ALGORITHM
        )
        return await self._begin(exchange, repository, check_algorithm(algorithm))

    async def append(self, exchange: Exchange) -> Answer:
        """`PATCH /v2/NAME/blobs/uploads/ID`: a chunk with `Content-Range`, or a stream without."""
        row = await self._session(exchange)
        async with self._sessions.open(row.id) as upload:
            offset = await self._receive(exchange, upload)
        return _progress(exchange, row.id, offset, HTTPStatus.ACCEPTED)

    async def close(self, exchange: Exchange) -> Answer:
        """`PUT /v2/NAME/blobs/uploads/ID?digest=DIGEST`, with the last chunk or without."""
        digest = _required_digest(exchange)
        row = await self._session(exchange)
        async with self._sessions.open(row.id) as upload:
            await self._receive(exchange, upload)
            await still_permitted(self._views, exchange, Action.PUSH)
            try:
                verified = await upload.verify(digest)
            except RoadsteadError:
                await self._forget(row.id)
                raise
            await self._publish(row.repository_id, verified)
        self._finish(verified)
        return _created(exchange, digest)

    async def progress(self, exchange: Exchange) -> Answer:
        """`GET /v2/NAME/blobs/uploads/ID`: where to go on."""
        row = await self._session(exchange)
        return _progress(exchange, row.id, await self._sessions.offset(row.id), HTTPStatus.NO_CONTENT)

    async def cancel(self, exchange: Exchange) -> Answer:
        """`DELETE /v2/NAME/blobs/uploads/ID`."""
        row = await self._session(exchange)
        await self._sessions.cancel(row.id)
        await self._database.write(lambda connection: uploads.delete(connection, [row.id]), durable=False)
        return answer(HTTPStatus.NO_CONTENT)

    async def delete_blob(self, exchange: Exchange) -> Answer:
        """`DELETE /v2/NAME/blobs/DIGEST`: takes the link away; the bytes are garbage collection's.

        Raises:
            UnknownBlob: the repository has no link to it.
        """
        digest, repository = exchange.route.digest, exchange.view.row

        def work(connection: Connection) -> bool:
            if repository is None:
                return False
            touch(connection, repository.id)
            return links.unlink(connection, repository.id, str(digest))

        if not await self._database.write(work):
            raise UnknownBlob(f"{exchange.view.rights.name} has no blob {digest}")
        return answer(HTTPStatus.ACCEPTED)

    @staticmethod
    async def _receive(exchange: Exchange, upload: Upload) -> int:
        span = check_chunk(exchange.header(b"content-range"), exchange.content_length(), upload.offset)
        return await upload.receive(exchange.body(), expected_bytes=span)

    async def _begin(self, exchange: Exchange, repository: RepositoryRow, algorithm: str) -> Answer:
        account_id = exchange.bearer.asker.account_id or repository.account_id
        row = UploadRow(secrets.token_hex(16), repository.id, account_id, algorithm)
        limit = self._limits.uploads_per_account

        def work(connection: Connection) -> None:
            if uploads.count_of(connection, account_id) >= limit:
                raise TooManyRequests(f"the account has {limit} uploads open, as many as it may", retry_after_s=60)
            uploads.put(connection, row, self._clock_ms())

        await self._database.write(work, durable=False)
        try:
            await self._sessions.create(row.id, algorithm)
        except RoadsteadError:
            await self._forget(row.id)
            raise
        return _progress(exchange, row.id, 0, HTTPStatus.ACCEPTED)

    async def _whole(self, exchange: Exchange, repository: RepositoryRow, digest: Digest) -> Answer:
        upload_id = secrets.token_hex(16)
        verified = await self._sessions.receive_whole(upload_id, digest, self._permitted_body(exchange))
        await self._publish(repository.id, verified)
        self._finish(verified)
        return _created(exchange, digest)

    async def _permitted_body(self, exchange: Exchange) -> AsyncIterator[bytes]:
        async for piece in exchange.body():
            yield piece
        await still_permitted(self._views, exchange, Action.PUSH)

    async def _publish(self, repository_id: int, verified: Verified) -> None:
        """Makes the blob known, links it, and closes the session, all at once."""
        digest, at_ms = str(verified.digest), self._clock_ms()

        def work(connection: Connection) -> None:
            links.put_blob(connection, digest, verified.size_bytes, at_ms)
            self._sessions.publish(verified)
            links.link(connection, repository_id, digest, at_ms)
            uploads.delete(connection, [verified.upload_id])
            touch(connection, repository_id)

        await self._database.write(work)

    def _finish(self, verified: Verified) -> None:
        """Removes what is left of a session, after the answer: if that is lost, a sweep does it."""
        task = asyncio.create_task(self._sessions.finish(verified))
        self._finishing.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._finishing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("what is left of an upload is left to the sweep", reason=str(error))

    async def _forget(self, upload_id: str) -> None:
        """Closes a session that the content store has cancelled; if the database fails too, a sweep does it."""
        with contextlib.suppress(RoadsteadError):
            await self._database.write(lambda connection: uploads.delete(connection, [upload_id]), durable=False)

    async def _session(self, exchange: Exchange) -> UploadRow:
        """The session that the path names, if it is of this repository and this account."""
        upload_id, view = exchange.route.upload_id, exchange.view
        row = await self._database.read(lambda connection: uploads.get(connection, upload_id))
        is_theirs = row is not None and row.account_id == exchange.bearer.asker.account_id
        if row is None or not is_theirs or view.row is None or row.repository_id != view.row.id:
            raise UnknownUpload(f"upload session {upload_id} is unknown here", remedy="start the upload again")
        return row


def _required_digest(exchange: Exchange) -> Digest:
    given = exchange.parameter("digest")
    if given is None:
        raise InvalidDigest("the request that closes an upload needs a digest parameter", remedy="add ?digest=sha256:…")
    return Digest.parse(given)


def _progress(exchange: Exchange, upload_id: str, offset: int, status: HTTPStatus) -> Answer:
    fields = {
        "Location": f"{exchange.base_url}/v2/{exchange.route.name}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(0, offset - 1)}",
        "Docker-Upload-UUID": upload_id,
    }
    return answer(status, fields)


def _created(exchange: Exchange, digest: Digest) -> Answer:
    fields = {
        "Location": f"{exchange.base_url}/v2/{exchange.route.name}/blobs/{digest}",
        "Docker-Content-Digest": str(digest),
    }
    return answer(HTTPStatus.CREATED, fields)
