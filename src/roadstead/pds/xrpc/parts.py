"""What the methods stand on, handed over by the composition."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from roadstead.content.store import BlobStore
from roadstead.content.uploads import Uploads
from roadstead.core.access.account import Account
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.diddocument import DidDocument
from roadstead.core.atproto.handle import Handle
from roadstead.index.database import Database
from roadstead.pds import repositories
from roadstead.pds.memory import Memory, private_key
from roadstead.pds.ports import AccountResolver, RecordObserver, Sessions
from roadstead.pds.xrpc.exports import Exports


@dataclass(frozen=True, slots=True)
class Parts:
    """What the PDS's methods stand on.

    Args:
        observer: hears of what is written to ATCR's records by XRPC.
        service_did: this server's own DID.
        base_url: this server as the client of a request reaches it, without a slash at its end.
        address: what the client of a request is limited as.
        clock: seconds since 1970.
    """

    database: Database
    memory: Memory
    uploads: Uploads
    store: BlobStore
    resolver: AccountResolver
    sessions: Sessions
    observer: RecordObserver
    exports: Exports
    service_did: str
    base_url: Callable[[HTTPConnection], str]
    address: Callable[[HTTPConnection], str]
    clock: Callable[[], float] = time.time

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    async def did_document(self, account: Account, request: HTTPConnection) -> DidDocument:
        """Who an account is."""
        there = await self.database.read(lambda connection: repositories.hosted(connection, account.id))
        key = private_key(there.private_key_pem).public_key()
        return DidDocument(Did.parse(account.did), Handle.parse(account.handle), key, self.base_url(request))
