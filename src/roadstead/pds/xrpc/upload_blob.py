"""`com.atproto.repo.uploadBlob` (AT Protocol blob specification).

A blob that is uploaded here gives its account no right to the content anywhere else: no repository is linked to it.
Manifests, which are small, are kept where the registry keeps them, so that a record that names them can be indexed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.engine import Connection
from starlette.responses import Response

from roadstead.core.access.rights import Action
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef, to_json
from roadstead.core.errors import Denied, Invalid
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import SUPPORTED
from roadstead.index import links, manifests
from roadstead.pds import blobs
from roadstead.pds.xrpc.call import Call, json_response
from roadstead.pds.xrpc.parts import Parts

MAX_BLOB_BYTES: Final = 16 * 1024 * 1024
MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024

_MIME_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_ANY: Final = "application/octet-stream"


class BlobUpload:
    """Takes uploads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, call: Call) -> Response:
        """Stores the body, and gives the reference with which a record can name it."""
        asker = await self._parts.sessions.asker(call.bearer)
        if asker.account_id is None or (asker.limits is not None and Action.PUSH not in asker.limits.actions):
            raise Denied("the credential does not cover uploads")
        mime_type = _mime_type(call.request.headers.get("content-type"))
        store = self._store_manifest if mime_type in SUPPORTED else self._store_blob
        found = await store(call, asker.account_id, mime_type)
        return json_response({"blob": to_json(found.value())})

    async def _store_manifest(self, call: Call, account_id: int, mime_type: str) -> BlobRef:
        body = await call.body(MAX_MANIFEST_BYTES)
        found = BlobRef(Cid.of_blob(body), mime_type, len(body))

        def work(connection: Connection) -> None:
            now_ms = self._parts.now_ms()
            manifests.put_body(connection, found.cid.digest.hex, body, now_ms)
            blobs.keep(connection, account_id, [found], now_ms)

        await self._parts.database.write(work)
        return found

    async def _store_blob(self, call: Call, account_id: int, mime_type: str) -> BlobRef:
        hasher = hashlib.sha256()

        async def hashed() -> AsyncIterator[bytes]:
            async for piece in call.pieces(MAX_BLOB_BYTES):
                hasher.update(piece)
                yield piece

        upload_id = f"pds-{secrets.token_hex(16)}"
        uploads = self._parts.uploads
        await uploads.create(upload_id)
        try:
            async with uploads.open(upload_id) as upload:
                await upload.receive(hashed())
                verified = await upload.verify(Digest("sha256", hasher.hexdigest()))
        except BaseException:
            await uploads.cancel(upload_id)
            raise
        found = BlobRef(Cid.of_blob_digest(verified.digest), mime_type, verified.size_bytes)

        def work(connection: Connection) -> None:
            now_ms = self._parts.now_ms()
            links.put_blob(connection, str(verified.digest), verified.size_bytes, now_ms)
            uploads.publish(verified)
            blobs.keep(connection, account_id, [found], now_ms)

        await self._parts.database.write(work)
        await uploads.finish(verified)
        return found


def _mime_type(header: str | None) -> str:
    """The media type that is declared, without its parameters.

    Raises:
        Invalid: it is malformed.
    """
    declared = (header or _ANY).partition(";")[0].strip().lower()
    if declared == "*/*":
        return _ANY
    if not _MIME_TYPE.fullmatch(declared):
        raise Invalid(f"Content-Type is {declared[:80]!r}; expected a media type such as image/png")
    return declared
