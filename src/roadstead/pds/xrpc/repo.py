"""`com.atproto.repo.*`: reading and writing records, and uploading blobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.engine import Connection
from starlette.responses import Response

from roadstead.core.access.account import Account
from roadstead.core.access.rights import Asker
from roadstead.core.atproto import atcr
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, decode_map
from roadstead.core.atproto.datamodel import record_from_json, to_json
from roadstead.core.atproto.nsid import parse_nsid
from roadstead.core.atproto.recordkey import parse_record_key
from roadstead.core.atproto.repository import CommitResult
from roadstead.core.atproto.tid import Tid
from roadstead.core.atproto.writes import ANYTHING, MAX_WRITES, Action, Anything, Write
from roadstead.core.errors import Denied, Invalid, InvalidRecord, UnknownRecord
from roadstead.index.turn import take_turn
from roadstead.pds import limits, records, repositories
from roadstead.pds.ports import RecordChange
from roadstead.pds.records import StoredRecord
from roadstead.pds.xrpc.call import Call, json_response
from roadstead.pds.xrpc.methods import Handler
from roadstead.pds.xrpc.parts import Parts
from roadstead.pds.xrpc.upload_blob import BlobUpload

PAGE: Final = 50
LONGEST_PAGE: Final = 100
APPLY_WRITES: Final = "com.atproto.repo.applyWrites"


class _Put(msgspec.Struct, rename="camel"):
    """The body of createRecord and putRecord."""

    repo: str
    collection: str
    record: Any
    rkey: str | None = None
    validate: bool | None = None
    swap_record: str | UnsetType | None = UNSET
    swap_commit: str | None = None


class _Delete(msgspec.Struct, rename="camel"):
    repo: str
    collection: str
    rkey: str
    swap_record: str | None = None
    swap_commit: str | None = None


class _One(msgspec.Struct, rename="camel"):
    """An entry of applyWrites."""

    type: str = msgspec.field(name="$type")
    collection: str
    rkey: str | None = None
    value: Any = None


class _Apply(msgspec.Struct, rename="camel"):
    repo: str
    writes: list[_One]
    validate: bool | None = None
    swap_commit: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """What came of writes."""

    account: Account
    writes: Sequence[Write]
    result: CommitResult

    def commit(self) -> dict[str, str]:
        return {"cid": str(self.result.head.cid), "rev": str(self.result.head.rev)}

    def record(self, index: int) -> dict[str, Any]:
        uri = f"at://{self.account.did}/{self.writes[index].path}"
        return {"uri": uri, "cid": str(self.result.cids[index]), "validationStatus": "unknown"}


class RepoMethods:
    """The methods of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._upload = BlobUpload(parts)

    def queries(self) -> Mapping[str, Handler]:
        """Methods that are got."""
        return {
            "com.atproto.repo.getRecord": self.get,
            "com.atproto.repo.listRecords": self.list_records,
            "com.atproto.repo.describeRepo": self.describe,
        }

    def procedures(self) -> Mapping[str, Handler]:
        """Methods that are posted."""
        return {
            "com.atproto.repo.createRecord": self.create,
            "com.atproto.repo.putRecord": self.put,
            "com.atproto.repo.deleteRecord": self.delete,
            APPLY_WRITES: self.apply_writes,
            "com.atproto.repo.uploadBlob": self._upload.answer,
        }

    async def create(self, call: Call) -> Response:
        """Creates a record, under a key of the caller's or of the server's choice."""
        given = await call.json(_Put)
        write = self._write(Action.CREATE, given.collection, given.rkey, given.record, validate=given.validate)
        written = await self._commit(call, given.repo, [write], given.swap_commit)
        return json_response({**written.record(0), "commit": written.commit()})

    async def put(self, call: Call) -> Response:
        """Creates or replaces a record."""
        given = await call.json(_Put)
        if given.rkey is None:
            raise Invalid("putRecord needs `rkey`")
        write = self._write(
            Action.PUT,
            given.collection,
            given.rkey,
            given.record,
            validate=given.validate,
            swap=ANYTHING if given.swap_record is UNSET else _cid(given.swap_record),
        )
        written = await self._commit(call, given.repo, [write], given.swap_commit)
        return json_response({**written.record(0), "commit": written.commit()})

    async def delete(self, call: Call) -> Response:
        """Deletes a record; it is fine if there is none."""
        given = await call.json(_Delete)
        write = Write(
            Action.DISCARD,
            parse_nsid(given.collection),
            parse_record_key(given.rkey),
            swap_record=ANYTHING if given.swap_record is None else _cid(given.swap_record),
        )
        written = await self._commit(call, given.repo, [write], given.swap_commit)
        return json_response({"commit": written.commit()} if written.result.changed else {})

    async def apply_writes(self, call: Call) -> Response:
        """Makes several writes, all or none, by one commit."""
        given = await call.json(_Apply)
        if len(given.writes) > MAX_WRITES:
            raise Invalid(f"{len(given.writes)} writes are too many; expected at most {MAX_WRITES}")
        writes = [self._one(one, given.validate) for one in given.writes]
        written = await self._commit(call, given.repo, writes, given.swap_commit)
        results = []
        for index, write in enumerate(writes):
            result: dict[str, Any] = {"$type": f"{APPLY_WRITES}#{write.action.value}Result"}
            results.append(result if write.action is Action.DELETE else result | written.record(index))
        return json_response({"commit": written.commit(), "results": results})

    async def get(self, call: Call) -> Response:
        """One record."""
        account = await self._account(call.text("repo"))
        collection, rkey = parse_nsid(call.text("collection")), parse_record_key(call.text("rkey"))
        found = await self._parts.database.read(lambda c: records.get(c, account.id, collection, rkey))
        expected = call.optional("cid")
        if found is None or (expected is not None and found.cid != _cid(expected)):
            raise UnknownRecord(f"there is no record at://{account.did}/{collection}/{rkey}")
        return json_response(_shown(account, found))

    async def list_records(self, call: Call) -> Response:
        """Records of a collection, the last key first unless `reverse` says otherwise."""
        account = await self._account(call.text("repo"))
        collection = parse_nsid(call.text("collection"))
        limit = call.integer("limit", default=PAGE, least=1, most=LONGEST_PAGE)
        cursor, descending = call.optional("cursor"), not call.flag("reverse")
        after = None if cursor is None else parse_record_key(cursor)
        found = await self._parts.database.read(
            lambda c: records.page(c, account.id, collection, limit=limit, after=after, descending=descending)
        )
        answer: dict[str, Any] = {"records": [_shown(account, record) for record in found]}
        if len(found) == limit:
            answer["cursor"] = found[-1].rkey
        return json_response(answer)

    async def describe(self, call: Call) -> Response:
        """Who an account is, and which collections it has."""
        account = await self._account(call.text("repo"))
        collections = await self._parts.database.read(lambda c: records.collections(c, account.id))
        document = await self._parts.did_document(account, call.request)
        return json_response(
            {
                "handle": account.handle,
                "did": account.did,
                "didDoc": document.json(),
                "collections": collections,
                "handleIsCorrect": True,
            }
        )

    async def _account(self, repo: str) -> Account:
        return await self._parts.resolver.account(repo)

    def _one(self, one: _One, validate: bool | None) -> Write:
        kind = one.type.removeprefix(f"{APPLY_WRITES}#")
        if kind == "delete" and one.rkey is not None:
            return Write(Action.DELETE, parse_nsid(one.collection), parse_record_key(one.rkey))
        if kind == "create" or (kind == "update" and one.rkey is not None):
            return self._write(Action(kind), one.collection, one.rkey, one.value, validate=validate)
        raise Invalid(
            f"a write is a {one.type[:80]!r} or lacks its key; expected {APPLY_WRITES}#create, #update, #delete"
        )

    def _write(
        self,
        action: Action,
        collection: str,
        rkey: str | None,
        record: Any,
        *,
        validate: bool | None,
        swap: Cid | Anything | None = ANYTHING,
    ) -> Write:
        nsid = parse_nsid(collection)
        value = record_from_json(record)
        value.setdefault("$type", nsid)
        _validate(nsid, value, validate)
        now = int(self._parts.clock() * 1_000_000)
        key = rkey if rkey is not None else str(Tid.of(now, self._parts.memory.clock_id))
        return Write(action, nsid, parse_record_key(key), value, swap)

    async def _commit(self, call: Call, repo: str, writes: Sequence[Write], swap_commit: str | None) -> _Written:
        asker = await self._parts.sessions.asker(call.bearer)
        account = await self._account(repo)
        if asker.account_id != account.id:
            raise Denied(f"{repo} is not the repository of who is logged in")
        swap = None if swap_commit is None else _cid(swap_commit)
        result = await self._parts.database.write(lambda c: self._apply(c, asker, account.id, writes, swap))
        return _Written(account, writes, result)

    def _apply(
        self, connection: Connection, asker: Asker, account_id: int, writes: Sequence[Write], swap: Cid | None
    ) -> CommitResult:
        take_turn(connection)
        changes = _changes(connection, asker, account_id, writes)
        limits.check(asker, changes)
        limits.check_public(connection, account_id, changes)
        result = repositories.commit(
            connection,
            account_id,
            writes,
            now_ms=self._parts.now_ms(),
            memory=self._parts.memory,
            swap_commit=swap,
        )
        derived = [change for change in changes if change.collection in atcr.OF_REPOSITORY]
        if result.changed and derived:
            self._parts.observer.written(connection, account_id, derived)
        return result


def _changes(connection: Connection, asker: Asker, account_id: int, writes: Sequence[Write]) -> list[RecordChange]:
    """What the writes are about to do, where anybody has to know: with the records as they are before."""
    known = [write for write in writes if asker.limits is not None or write.collection in atcr.OF_REPOSITORY]
    if not known:
        return []
    before = records.blocks_of(connection, account_id, [(write.collection, write.rkey) for write in known])
    return [
        RecordChange(
            write.collection,
            write.rkey,
            decode_map(before[write.collection, write.rkey]) if (write.collection, write.rkey) in before else None,
            write.record,
        )
        for write in known
    ]


def _validate(collection: str, value: Mapping[str, Value], wanted: bool | None) -> None:
    """Checks what the registry's records name, and a record against its lexicon where the caller insists on it.

    Raises:
        InvalidRecord: it does not follow it, or its lexicon is not known here.
    """
    if collection in atcr.OF_REPOSITORY and any("\0" in str(value.get(name)) for name in ("repository", "tag")):
        raise InvalidRecord("no repository and no tag has NUL in its name")  # nor could PostgreSQL look for it
    if wanted is not True:
        return
    if collection == atcr.MANIFEST:
        atcr.read_manifest_record(value)
    elif collection == atcr.TAG:
        atcr.read_tag_record(value)
    else:
        raise InvalidRecord(f"the lexicon {collection} is not known here", remedy="send `validate`: false, or nothing")


def _shown(account: Account, record: StoredRecord) -> dict[str, Any]:
    uri = f"at://{account.did}/{record.collection}/{record.rkey}"
    return {"uri": uri, "cid": str(record.cid), "value": to_json(record.value())}


def _cid(text: str | UnsetType | None) -> Cid | None:
    return Cid.parse(text) if isinstance(text, str) else None
