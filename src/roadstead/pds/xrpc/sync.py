"""`com.atproto.sync.*`: repositories and blobs for other servers (AT Protocol sync specification).

Everything here is public, as records are by nature. `subscribeRepos` has a file of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from roadstead.core.atproto.car import MEDIA_TYPE
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.nsid import parse_nsid
from roadstead.core.atproto.recordkey import parse_record_key
from roadstead.core.atproto.tid import Tid
from roadstead.core.errors import UnknownBlob
from roadstead.core.oci.digest import Digest
from roadstead.index import manifests
from roadstead.index.tables import accounts, pds_repositories
from roadstead.pds import blobs, export, repositories
from roadstead.pds.repositories import Hosted
from roadstead.pds.xrpc.call import Call, json_response
from roadstead.pds.xrpc.methods import Handler
from roadstead.pds.xrpc.parts import Parts

PAGE: Final = 500
LONGEST_PAGE: Final = 1000

_BLOB_HEADERS: Final = {
    # Anybody may upload anything: a browser must not run it in this server's name.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
    "Cache-Control": "private, max-age=3600",
}


class SyncMethods:
    """The methods of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def queries(self) -> Mapping[str, Handler]:
        """Methods that are got."""
        return {
            "com.atproto.sync.getRepo": self.get_repo,
            "com.atproto.sync.getRecord": self.get_record,
            "com.atproto.sync.getLatestCommit": self.get_latest_commit,
            "com.atproto.sync.getRepoStatus": self.get_repo_status,
            "com.atproto.sync.listRepos": self.list_repos,
            "com.atproto.sync.getBlob": self.get_blob,
            "com.atproto.sync.listBlobs": self.list_blobs,
        }

    async def get_repo(self, call: Call) -> Response:
        """The whole repository, as a CAR file."""
        account_id = await self._account_id(call)
        since = _revision(call)
        if call.request.method == "HEAD":
            await self._hosted(call)
            return _without_length()
        return await self._parts.exports.response(account_id, since, self._parts.address(call.request))

    async def get_record(self, call: Call) -> Response:
        """The proof of one record, or of its absence, as a CAR file."""
        account_id = await self._account_id(call)
        collection, rkey = parse_nsid(call.text("collection")), parse_record_key(call.text("rkey"))
        car = await self._parts.database.read(lambda c: export.proof(c, account_id, collection, rkey))
        return Response(car, media_type=MEDIA_TYPE)

    async def get_latest_commit(self, call: Call) -> Response:
        """Where a repository stands."""
        there = await self._hosted(call)
        return json_response({"cid": str(there.head.cid), "rev": str(there.head.rev)})

    async def get_repo_status(self, call: Call) -> Response:
        """Whether a repository is hosted here."""
        there = await self._hosted(call)
        return json_response({"did": str(there.did), "active": True, "rev": str(there.head.rev)})

    async def list_repos(self, call: Call) -> Response:
        """All repositories of this server, by the age of their accounts."""
        limit = call.integer("limit", default=PAGE, least=1, most=LONGEST_PAGE)
        after = call.integer("cursor", default=0, least=0, most=2**53)

        def work(connection: Connection) -> list[sa.Row[Any]]:
            query = (
                sa.select(accounts.c.id, accounts.c.did, pds_repositories.c.commit_cid, pds_repositories.c.rev)
                .join_from(pds_repositories, accounts)
                .where(accounts.c.id > after)
                .order_by(accounts.c.id)
                .limit(limit)
            )
            return list(connection.execute(query))

        rows = await self._parts.database.read(work)
        answer: dict[str, Any] = {
            "repos": [
                {"did": row.did, "head": str(Cid(bytes(row.commit_cid))), "rev": row.rev, "active": True}
                for row in rows
            ]
        }
        if len(rows) == limit:
            answer["cursor"] = str(rows[-1].id)
        return json_response(answer)

    async def list_blobs(self, call: Call) -> Response:
        """The blobs that records of a repository need."""
        account_id = await self._account_id(call)
        since, cursor = _revision(call), call.optional("cursor")
        limit = call.integer("limit", default=PAGE, least=1, most=LONGEST_PAGE)
        after = Cid.parse(cursor).raw if cursor else b""
        found = await self._parts.database.read(lambda c: blobs.page(c, account_id, since, after, limit))
        answer: dict[str, Any] = {"cids": [str(cid) for cid in found]}
        if len(found) == limit:
            answer["cursor"] = answer["cids"][-1]
        return json_response(answer)

    async def get_blob(self, call: Call) -> Response:
        """A blob that a record needs."""
        account_id, cid = await self._account_id(call), Cid.parse(call.text("cid"))

        def work(connection: Connection) -> tuple[BlobRef, bytes | None]:
            found = blobs.served(connection, account_id, cid)
            if found is None:
                raise UnknownBlob(f"the account has no blob {cid}")
            return found, manifests.body(connection, found.cid.digest.hex)

        found, body = await self._parts.database.read(work)
        if body is not None:
            return Response(body, media_type=found.mime_type, headers=_BLOB_HEADERS)
        digest = found.cid.digest
        if self._parts.store.stat(digest) != found.size_bytes:
            raise UnknownBlob(f"the blob {cid} is not whole here", remedy="upload it again")
        headers = {**_BLOB_HEADERS, "Content-Length": str(found.size_bytes)}
        return StreamingResponse(self._content(digest), media_type=found.mime_type, headers=headers)

    async def _content(self, digest: Digest) -> AsyncIterator[bytes]:
        async with self._parts.store.open(digest) as content:
            async for piece in content.read():
                yield piece

    async def _account_id(self, call: Call) -> int:
        return (await self._parts.resolver.account(call.text("did"))).id

    async def _hosted(self, call: Call) -> Hosted:
        account_id = await self._account_id(call)
        return await self._parts.database.read(lambda c: repositories.hosted(c, account_id))


def _revision(call: Call) -> str | None:
    since = call.optional("since")
    return None if since is None else str(Tid.parse(since))


def _without_length() -> Response:
    """The head of an export, which is not made to learn how long it is."""
    response = Response(media_type=MEDIA_TYPE)
    del response.headers["content-length"]
    return response
