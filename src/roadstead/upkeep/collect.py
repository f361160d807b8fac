"""Online garbage collection: removes what nothing needs any more, while pushes go on.

What is garbage is said in `roadstead.index.garbage` and `roadstead.index.liveness`; here is the order, and the pace:
small batches, each a write transaction of its own that looks again at all it removes, and after each a pause as long
as it took, so that pushes get their turn. Whatever ends a collection early, the next one goes on from there.

Only what has a row is ever removed: a file that this system neither wrote nor adopted is not seen at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.content.store import BlobStore
from roadstead.core.atproto import atcr
from roadstead.core.atproto.dagcbor import decode_map
from roadstead.core.errors import RoadsteadError, UnknownUpload
from roadstead.core.oci.digest import Digest
from roadstead.index import garbage, jobs, liveness, tables, uploads
from roadstead.index.database import Database
from roadstead.index.forecast import Forecast, forecast
from roadstead.index.garbage import Blob, Rules
from roadstead.index.names import names_of
from roadstead.upkeep.lease import Lease
from roadstead.upkeep.ports import ManifestRemoval, Progress, Sessions, unwatched

P = ParamSpec("P")
T = TypeVar("T")

JOB: Final = "gc"

ROWS: Final = 500
"""Rows in one batch: a few milliseconds of the writers' time."""

FILES: Final = 64
FILES_BYTES: Final = 2 * 1024**3
"""How many files, and of how many bytes together, are unlinked in one batch; a file system takes its time for large
ones."""

TOP: Final = 20
"""Repositories that a report tells apart."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things are kept that nothing needs, in milliseconds.

    Args:
        untagged_ms: manifests without a tag; None: for good.
        upload_ms: upload sessions without activity.
    """

    grace_ms: int
    untagged_ms: int | None
    backlog_ms: int
    upload_ms: int

    def rules(self, now_ms: int) -> Rules:
        """The terms, seen from a moment."""
        return Rules(now_ms, self.grace_ms, self.untagged_ms, self.backlog_ms)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what a collection cut off was a repository's; bytes that others still have are counted too."""

    repository: str
    links: int
    size_bytes: int


@dataclass(slots=True)
class Report:
    """What a collection removed, or would remove."""

    is_forecast: bool
    manifests: int = 0
    links: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    contents: int = 0
    content_bytes: int = 0
    pds_blobs: int = 0
    claims: int = 0
    tokens: int = 0
    events: int = 0
    uploads: int = 0
    repositories: list[Share] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """The numbers by name."""
        names = (name for name in self.__slots__ if name not in ("is_forecast", "repositories"))
        return {name: getattr(self, name) for name in names}


class Collector:
    """Collects the garbage of one data folder and its database.

    Args:
        remove_manifest: removes a manifest with its records.
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        sessions: Sessions,
        remove_manifest: ManifestRemoval,
        terms: Terms,
        clock_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._store = store
        self._sessions = sessions
        self._remove_manifest = remove_manifest
        self._terms = terms
        self._clock_ms = clock_ms

    async def forecast(self) -> Report:
        """What a collection would remove now; changes nothing.

        Raises:
            Unavailable: the database does not answer.
        """
        now_ms = self._clock_ms()
        rules = self._terms.rules(now_ms)

        def work(connection: Connection) -> tuple[Forecast, dict[int, str]]:
            found = forecast(connection, rules, TOP)
            return found, names_of(connection, [entry[0] for entry in found.by_repository])

        found, names = await self._database.read(work)
        report = Report(is_forecast=True)
        for name in report.figures():
            if name != "uploads":
                setattr(report, name, getattr(found, name))
        report.uploads = sum(1 for _ in self._sessions.idle(now_ms - self._terms.upload_ms))
        report.repositories = [
            Share(names.get(key, f"#{key}"), count, size) for key, count, size in found.by_repository
        ]
        return report

    async def run(self, lease: Lease, progress: Progress = unwatched) -> Report:
        """Collects once.

        Raises:
            Unavailable: the database or the store fails, or the lease is lost; what was done until then stays done.
        """
        run = _Run(self._database, lease, progress, self._terms.rules(self._clock_ms()), Report(is_forecast=False))
        await self._sweep(run)
        await run.expired()
        await self._manifests(run)
        await run.links()
        await run.pds_blobs()
        await run.contents()
        await run.blobs(lambda digest: self._store.remove(Digest.parse(digest)))
        await run.events()
        await run.name_repositories()
        report, ended_ms = run.report, self._clock_ms()
        await self._database.write(lambda connection: jobs.record(connection, JOB, ended_ms, report.figures()))
        return report

    async def _manifests(self, run: _Run) -> None:
        """Removes manifests that are dead, each with its records, if it still is when its turn comes."""
        if self._terms.untagged_ms is None:
            return

        def find(connection: Connection) -> list[liveness.DeadManifest]:
            liveness.find_dead(connection, run.rules)
            return liveness.dead_in_order(connection)

        dead = await self._database.read(find)
        for done, manifest in enumerate(dead):
            run.step(done, len(dead), "manifests")
            started = time.monotonic()
            if await self._remove_manifest(
                manifest.repository_id,
                manifest.digest,
                partial(liveness.is_still_dead, rules=run.rules, manifest=manifest),
            ):
                run.report.manifests += 1
            await _rest(started)

    async def _sweep(self, run: _Run) -> None:
        """Ends the upload sessions that nobody goes on with."""
        before_ms = run.rules.now_ms - self._terms.upload_ms
        idle = await asyncio.to_thread(lambda: list(self._sessions.idle(before_ms)))
        for done, upload_id in enumerate(idle):
            run.step(done, len(idle), "upload sessions")
            if await run.write(self._end, upload_id):
                run.report.uploads += 1
        old = await self._database.read(lambda connection: garbage.uploads_before(connection, before_ms))
        for upload_id in old:
            if not await self._has_bytes(upload_id):
                await run.write(_forget, upload_id)

    def _end(self, connection: Connection, _rules: Rules, upload_id: str) -> bool:
        if not self._sessions.sweep(upload_id, lambda digest: garbage.is_known(connection, str(digest))):
            return False
        uploads.delete(connection, [upload_id])
        return True

    async def _has_bytes(self, upload_id: str) -> bool:
        try:
            await self._sessions.offset(upload_id)
        except UnknownUpload:
            return False
        return True


class _Run:
    """One collection on its way: its rules and what it removed."""

    def __init__(self, database: Database, lease: Lease, progress: Progress, rules: Rules, report: Report) -> None:
        self.rules = rules
        self.report = report
        self._database = database
        self._lease = lease
        self._progress = progress
        self._links: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()

    def step(self, done: int, whole: int | None, what: str) -> None:
        """Before each batch: tells the watcher, and looks after the lease."""
        self._lease.check()
        self._progress(done, whole, what)

    async def read(self, work: Callable[Concatenate[Connection, Rules, P], T], *more: P.args, **named: P.kwargs) -> T:
        """What one query finds."""
        return await self._database.read(lambda connection: work(connection, self.rules, *more, **named))

    async def write(self, work: Callable[Concatenate[Connection, Rules, P], T], *more: P.args, **named: P.kwargs) -> T:
        """One batch, and the pause after it."""
        started = time.monotonic()
        result = await self._database.write(lambda connection: work(connection, self.rules, *more, **named))
        await _rest(started)
        return result

    async def expired(self) -> None:
        """Claims and tokens whose time is over."""
        self.step(0, None, "claims and tokens")
        if await self._has(tables.claims, garbage.is_ended_claim):
            self.report.claims = await self.write(garbage.remove_claims)
        if await self._has(tables.refresh_tokens, garbage.is_ended_token):
            self.report.tokens = await self.write(garbage.remove_tokens)

    async def pds_blobs(self) -> None:
        """Blobs of PDS accounts that no record names."""
        if await self._has(tables.pds_blobs, garbage.is_needless_pds_blob):
            self.report.pds_blobs = await self._repeat(garbage.remove_pds_blobs, "blobs of PDS accounts")

    async def events(self) -> None:
        """Events that are out of the firehose's backlog."""
        if await self._has(tables.pds_events, garbage.is_old_event):
            self.report.events = await self._repeat(garbage.remove_events, "events")

    async def links(self) -> None:
        """Links to what their repository does not name any more."""
        after = (0, "")
        while page := await self.read(garbage.links_page, after, ROWS):
            self.step(self.report.links, None, "links")
            removed = await self.write(garbage.remove_links, page)
            self.report.links += len(removed)
            for link in removed:
                self._links[link.repository_id] += 1
                self._bytes[link.repository_id] += link.size_bytes
            after = page[-1]

    async def blobs(self, unlink: Callable[[str], object]) -> None:
        """Blobs that no repository has, with their files."""
        after = ""
        while page := await self.read(garbage.blobs_page, after, FILES):
            self.step(self.report.blobs, None, "blobs")
            batch = _bounded(page)
            removed = await self.write(garbage.remove_blobs, batch, unlink)
            self.report.blobs += len(removed)
            self.report.blob_bytes += sum(blob.size_bytes for blob in removed)
            after = batch[-1].digest

    async def contents(self) -> None:
        """Bytes of manifests that no repository has."""
        after = ""
        kept: set[str] | None = None
        while page := await self.read(garbage.contents_page, after, ROWS):
            self.step(self.report.contents, None, "bytes of manifests")
            if kept is None:
                kept = await self.read(_named_in_private)
            needless = [sha256 for sha256 in page if sha256 not in kept]
            sizes = await self.write(garbage.remove_contents, needless)
            self.report.contents += len(sizes)
            self.report.content_bytes += sum(sizes)
            after = page[-1]

    async def name_repositories(self) -> None:
        """Puts the repositories that lost most into the report."""
        top = self._bytes.most_common(TOP)
        names = await self._database.read(lambda connection: names_of(connection, [key for key, _ in top]))
        self.report.repositories = [Share(names.get(key, f"#{key}"), self._links[key], size) for key, size in top]

    async def _has(self, table: sa.Table, which: Callable[[Rules], sa.ColumnElement[bool]]) -> bool:
        return await self._database.read(lambda connection: garbage.has_any(connection, table, which(self.rules)))

    async def _repeat(self, remove: Callable[[Connection, Rules, int], int], what: str) -> int:
        """Removes batch after batch until one is not full; how much there was."""
        removed, count = 0, ROWS
        while count >= ROWS:
            self.step(removed, None, what)
            count = await self.write(remove, ROWS)
            removed += count
        return removed


def _bounded(page: list[Blob]) -> list[Blob]:
    """The first blobs of `page`, one at least, up to `FILES_BYTES`."""
    batch: list[Blob] = []
    size_bytes = 0
    for blob in page:
        size_bytes += blob.size_bytes
        if batch and size_bytes > FILES_BYTES:
            break
        batch.append(blob)
    return batch


def _named_in_private(connection: Connection, _rules: Rules) -> set[str]:
    """The SHA-256 of manifests that records of private repositories name, were they missing in the index."""
    found: set[str] = set()
    for value in garbage.private_records_of(connection, atcr.MANIFEST):
        try:
            record = atcr.read_manifest_record(decode_map(value))
        except RoadsteadError:
            continue
        if record.blob is not None:
            found.add(record.blob.cid.digest.hex)
    return found


def _forget(connection: Connection, _rules: Rules, upload_id: str) -> None:
    uploads.delete(connection, [upload_id])


async def _rest(started: float) -> None:
    """Leaves the writers' turn to others for as long as one had it oneself."""
    await asyncio.sleep(min(time.monotonic() - started, 1.0))
