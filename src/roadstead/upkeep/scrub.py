"""Reading back what is stored: every blob is hashed again, and what is damaged is put aside.

A damaged blob is quarantined: its file is moved out of the store for the operator to look at, and its row says so,
so that GET and HEAD answer 404, and the next push of the same digest heals it. Blobs are read in the order in which
they were last verified, so a scrub that is stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.content.store import BlobStore, Check, Stored
from roadstead.core.errors import Unavailable
from roadstead.core.oci.digest import Digest
from roadstead.index import jobs, scrubbing
from roadstead.index.database import Database
from roadstead.index.scrubbing import Due
from roadstead.upkeep.lease import Lease
from roadstead.upkeep.ports import Progress, unwatched

JOB: Final = "verify"

PAGE: Final = 100
"""Blobs that are asked for at once, and that are marked as verified at once at most."""

MARK_BYTES: Final = 1024**3
"""After reading so much, what was verified is marked: that much is read again after a kill."""

AccountCheck = Callable[[Connection, int], list[str]]
"""Gives what is wrong with the AT Protocol repository of an account, in sentences."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: `corrupt`, `short` or `missing` (of a blob, quarantined), `unreadable` (of a blob whose file the disk does
            not give, left where it is), `manifest` (bytes of a manifest), `records` (an account's AT Protocol
            repository), `stray` (a file that the index does not know; it is left alone).
        subject: the digest or the account.
    """

    kind: str
    subject: str
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether something is lost. A stray file may be a push under way, or somebody else's."""
        return self.kind != "stray"


@dataclass(slots=True)
class Report:
    """What a scrub has read and found."""

    blobs: int = 0
    blob_bytes: int = 0
    manifests: int = 0
    accounts: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def damage(self) -> int:
        """How many findings are damage."""
        return sum(finding.is_damage for finding in self.findings)


class Scrubber:
    """Reads back one data folder.

    Args:
        check_account: see `AccountCheck`.
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self, database: Database, store: BlobStore, check_account: AccountCheck, clock_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._store = store
        self._check_account = check_account
        self._clock_ms = clock_ms

    async def run(
        self,
        lease: Lease,
        *,
        repository_id: int | None = None,
        before_ms: int | None = None,
        progress: Progress = unwatched,
    ) -> Report:
        """Reads everything back, blobs first.

        Args:
            repository_id: only what this repository has; None for all, and for records and stray files too.
            before_ms: only blobs that were last verified before then; None for all.

        Raises:
            Unavailable: the database or the store fails, or the lease is lost.
        """
        report = Report()
        started_ms = self._clock_ms()
        await self._blobs(lease, report, repository_id, started_ms if before_ms is None else before_ms, progress)
        await self._manifests(lease, report, repository_id, progress)
        if repository_id is None:
            await self._accounts(lease, report, progress)
            await self._strays(lease, report, progress)
            figures = {"blobs": report.blobs, "blob_bytes": report.blob_bytes, "damage": report.damage}
            ended_ms = self._clock_ms()
            await self._database.write(lambda connection: jobs.record(connection, JOB, ended_ms, figures))
        return report

    async def _blobs(
        self, lease: Lease, report: Report, repository_id: int | None, before_ms: int, progress: Progress
    ) -> None:
        _, whole_bytes = await self._database.read(
            lambda connection: scrubbing.due_count(connection, before_ms, repository_id)
        )
        after = (-1, "")
        while page := await self._page(before_ms, repository_id, after):
            sound: list[str] = []
            unmarked_bytes = 0
            for blob in page:
                lease.check()
                progress(report.blob_bytes, whole_bytes, "bytes of blobs")
                if await self._is_sound(blob, report):
                    sound.append(blob.digest)
                unmarked_bytes += blob.size_bytes
                if unmarked_bytes > MARK_BYTES:
                    await self._mark(sound)
                    sound, unmarked_bytes = [], 0
            await self._mark(sound)
            after = (page[-1].verified_at_ms, page[-1].digest)

    async def _page(self, before_ms: int, repository_id: int | None, after: tuple[int, str]) -> list[Due]:
        return await self._database.read(
            lambda connection: scrubbing.due(connection, before_ms, repository_id, after, PAGE)
        )

    async def _mark(self, digests: list[str]) -> None:
        at_ms = self._clock_ms()
        if digests:
            await self._database.write(lambda connection: scrubbing.mark_verified(connection, digests, at_ms))

    async def _is_sound(self, blob: Due, report: Report) -> bool:
        """Reads one blob back; one that is not sound is quarantined and reported."""
        digest = Digest.parse(blob.digest)
        while True:
            try:
                check = await asyncio.to_thread(self._store.check, digest)
            except Unavailable as error:
                # One bad sector must not keep all that comes after it from being read, now and at every later scrub.
                report.findings.append(Finding("unreadable", blob.digest, str(error)))
                return False
            report.blobs += 1
            report.blob_bytes += blob.size_bytes
            if check is not None and check.intact and check.size_bytes == blob.size_bytes:
                return True
            found = _finding(blob, check)
            settled = await self._database.write(
                lambda connection, seen=check: self._put_aside(connection, digest, seen)  # type: ignore[misc]  # a default binds the loop's value
            )
            if settled is True:
                report.findings.append(found)
                return False
            if settled is None:
                return False  # collected meanwhile
            # Healed by a push meanwhile: what lies there now is looked at anew.

    def _put_aside(self, connection: Connection, digest: Digest, check: Check | None) -> bool | None:
        """Quarantines what `check` has seen: True; False if others bytes lie there now; None if the row is gone."""
        if scrubbing.lock_blob(connection, str(digest)) is None:
            return None
        is_as_seen = self._store.quarantine(check) if check else self._store.stat(digest) is None
        if is_as_seen:
            scrubbing.mark_quarantined(connection, str(digest), self._clock_ms())
        return is_as_seen

    async def _manifests(self, lease: Lease, report: Report, repository_id: int | None, progress: Progress) -> None:
        after = ""
        while page := await self._database.read(
            lambda connection, start=after: scrubbing.contents_page(connection, repository_id, start, PAGE)  # type: ignore[misc]  # as above
        ):
            lease.check()
            progress(report.manifests, None, "manifests")
            for one in page:
                report.manifests += 1
                if hashlib.sha256(one.body).hexdigest() != one.sha256:
                    detail = f"{len(one.body)} bytes do not have this hash; the next push of the manifest heals it"
                    report.findings.append(Finding("manifest", f"sha256:{one.sha256}", detail))
            after = page[-1].key

    async def _accounts(self, lease: Lease, report: Report, progress: Progress) -> None:
        accounts = await self._database.read(scrubbing.account_names)
        for done, (account_id, name) in enumerate(accounts):
            lease.check()
            progress(done, len(accounts), "accounts' records")
            wrong = await self._database.read(
                lambda connection, key=account_id: self._check_account(connection, key)  # type: ignore[misc]  # as above
            )
            report.findings.extend(Finding("records", name, sentence) for sentence in wrong)
            report.accounts += 1

    async def _strays(self, lease: Lease, report: Report, progress: Progress) -> None:
        """Files that have no row: left by a power cut, pushed just now, or put there by somebody else."""
        stored = self._store.iterate()
        while page := await asyncio.to_thread(_some, stored):
            lease.check()
            progress(0, None, "files in the store")
            known = await self._database.read(
                lambda connection, names=list(page): scrubbing.known(connection, names)  # type: ignore[misc]  # as above
            )
            report.findings.extend(
                Finding("stray", digest, f"a file of {size} bytes that the index does not know; it is left alone")
                for digest, size in page.items()
                if digest not in known
            )


def _some(stored: Iterator[Stored]) -> dict[str, int]:
    """The next page of what the store has."""
    return {str(one.digest): one.size_bytes for one in islice(stored, PAGE)}


def _finding(blob: Due, check: Check | None) -> Finding:
    if check is None:
        return Finding("missing", blob.digest, "the store has no file for it; the next push of it heals it")
    if check.size_bytes != blob.size_bytes:
        detail = f"the file has {check.size_bytes} bytes of {blob.size_bytes}; it was put into quarantine"
        return Finding("short", blob.digest, detail)
    return Finding("corrupt", blob.digest, "the file has another hash; it was put into quarantine")
