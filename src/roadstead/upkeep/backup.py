"""Backups of a server whose SQL is SQLite, made while it runs, and their restoring.

A backup is one moment: the database first, by SQLite's online backup, then the blobs that it names. Meanwhile the
caller holds the lease of garbage collection, so that none of them goes away. Every blob is hashed on its way, in both
directions. What is not in it: open uploads, and configuration.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from roadstead.content.failures import translated
from roadstead.content.layout import Layout
from roadstead.core.errors import Conflict, CorruptContent, Misuse
from roadstead.core.oci.digest import Digest
from roadstead.upkeep.archive import (
    DATABASE,
    PIECE_BYTES,
    STATEMENT,
    Archive,
    Reading,
    Stream,
    blob_name,
    blob_of,
    members,
    readable,
)
from roadstead.upkeep.lease import Lease
from roadstead.upkeep.ports import Progress

FORMAT: Final = 1

PASSING: Final = ("leases", "uploads", "claims")
"""Tables that speak of processes and files of the moment: a restored server begins without them."""


class Statement(msgspec.Struct):
    """What `backup.json` says.

    Args:
        format: of the backup, see `FORMAT`.
        version: of Roadstead.
        database_sha256: hex.
    """

    format: int
    version: str
    made_at_ms: int
    database_sha256: str
    blobs: int
    blob_bytes: int


@dataclass(slots=True)
class Report:
    """What was backed up or restored; `damaged` blobs are not among it (restored) or not sound (backed up)."""

    blobs: int = 0
    blob_bytes: int = 0
    unchanged: int = 0
    damaged: list[str] = field(default_factory=list)


def back_up(
    database: Path, storage: Path, archive: Archive, lease: Lease, progress: Progress, *, version: str, now_ms: int
) -> Report:
    """Writes database and blobs into the archive.

    Args:
        database: the SQLite file; a copy of it is put beside it for a while.
        storage: the folder with the blobs.

    Raises:
        StorageFull, Unavailable: a disk is full or fails, or the lease is lost.
    """
    report = Report()
    with _snapshot(database) as snapshot:
        for digest, size_bytes in _blobs(snapshot, "IS NOT NULL"):
            # Damaged here by now: what an earlier backup has of it may be the last whole copy.
            archive.has_blob(digest, size_bytes)
        named = _blobs(snapshot)
        whole_bytes = sum(size for _, size in named)
        for digest, size_bytes in named:
            lease.check()
            progress(report.blob_bytes, whole_bytes, "bytes of blobs")
            _add_blob(Layout(storage), archive, digest, size_bytes, report)
        with snapshot.open("rb") as file:
            stream = Reading(file, "sha256")
            archive.add(DATABASE, stream, snapshot.stat().st_size)
            sha256 = stream.hex()
    statement = Statement(FORMAT, version, now_ms, sha256, len(named), whole_bytes)
    archive.finish(msgspec.json.format(msgspec.json.encode(statement)) + b"\n")
    return report


def restore(source: Path, data: Path, storage: Path, progress: Progress) -> Report:
    """Fills an empty data folder from a backup. A blob that is damaged in it is left out and reported.

    Args:
        storage: the folder for the blobs, empty too; often the data folder itself.

    Raises:
        Conflict: a folder is not empty.
        Unknown: there is no backup.
        CorruptContent: it is no backup, or not a whole one; the folders are left empty.
        StorageFull, Unavailable: a disk is full or fails; likewise.
    """
    for folder in {data, storage}:
        with translated():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(folder.iterdir()):
                raise Conflict(f"the folder {folder} is not empty", remedy="name an empty or a new one with --data")
    try:
        with readable(source):
            return _restore(source, data, storage, progress)
    except BaseException:
        for entry in (*data.iterdir(), *storage.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        raise


def _restore(source: Path, data: Path, storage: Path, progress: Progress) -> Report:
    report, layout = Report(), Layout(storage)
    beside = data / f"{DATABASE}.new"
    sha256, statement = "", None
    for name, stream, size_bytes in members(source):
        progress(report.blob_bytes, None, "bytes of blobs")
        digest = blob_of(name)
        if digest is not None:
            _restore_blob(layout, digest, stream, size_bytes, report)
        elif name == DATABASE:
            sha256 = _write(beside, stream, "sha256")
        elif name == STATEMENT:
            statement = _statement(stream.read())
    _check_whole(source, sha256, statement)
    with translated():
        os.sync()
        beside.replace(data / DATABASE)
        os.sync()
    absent = {str(digest) for digest, _ in _blobs(data / DATABASE) if not layout.blob(digest).exists()}
    report.damaged = sorted(absent.union(report.damaged))
    return report


def _check_whole(source: Path, sha256: str, statement: Statement | None) -> None:
    if statement is None or not sha256:
        raise CorruptContent(
            f"{source} is no whole backup: it has no {STATEMENT if sha256 else DATABASE}",
            remedy="make it again: a backup that was interrupted cannot be restored",
        )
    if sha256 != statement.database_sha256:
        raise CorruptContent(f"the database in {source} is damaged: its hash is not that of the backup's statement")


def _add_blob(layout: Layout, archive: Archive, digest: Digest, size_bytes: int, report: Report) -> None:
    if archive.has_blob(digest, size_bytes):
        report.unchanged += 1
        report.blob_bytes += size_bytes
        return
    try:
        file = layout.blob(digest).open("rb")
    except FileNotFoundError:
        report.damaged.append(str(digest))
        return
    with file:
        if os.fstat(file.fileno()).st_size != size_bytes:
            report.damaged.append(str(digest))
            return
        stream = Reading(file, digest.algorithm)
        archive.add(blob_name(digest), stream, size_bytes)
    if stream.hex() != digest.hex:
        # The next backup must not take it for the blob, which may have been healed by then.
        archive.drop(blob_name(digest))
        report.damaged.append(str(digest))
        return
    report.blobs += 1
    report.blob_bytes += size_bytes


def _restore_blob(layout: Layout, digest: Digest, stream: Stream, size_bytes: int, report: Report) -> None:
    path = layout.blob(digest)
    with translated():
        path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name("data.new")
    if _write(beside, stream, digest.algorithm) != digest.hex:
        beside.unlink()
        path.parent.rmdir()
        report.damaged.append(str(digest))
        return
    beside.replace(path)
    report.blobs += 1
    report.blob_bytes += size_bytes


def _write(path: Path, stream: Stream, algorithm: str) -> str:
    """Writes the stream into a new file; the hex of its hash."""
    reading = Reading(stream, algorithm)
    with translated(), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        while piece := reading.read(PIECE_BYTES):
            file.write(piece)
    return reading.hex()


def _statement(text: bytes) -> Statement:
    try:
        found = msgspec.json.decode(text, type=Statement)
    except msgspec.DecodeError as error:
        raise CorruptContent(f"the backup's {STATEMENT} is not readable: {error}") from error
    if found.format != FORMAT:
        raise Misuse(
            f"the backup has format {found.format}, and this version reads {FORMAT}",
            remedy=f"restore it with Roadstead {found.version}",
        )
    return found


@contextlib.contextmanager
def _snapshot(database: Path) -> Iterator[Path]:
    """The database as it is at one moment, in a file of its own, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="backup-", dir=database.parent) as folder:
        copy = Path(folder) / DATABASE
        with (
            contextlib.closing(sqlite3.connect(database)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            # One file, without a write-ahead log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
            for table in PASSING:
                target.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            target.commit()
        yield copy


def _blobs(database: Path, quarantined: Literal["IS NULL", "IS NOT NULL"] = "IS NULL") -> list[tuple[Digest, int]]:
    """What the database says is stored and sound (or was), in the order of the digests."""
    query = f"SELECT digest, size_bytes FROM blobs WHERE quarantined_at_ms {quarantined} ORDER BY digest"  # noqa: S608
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [(Digest.parse(digest), size) for digest, size in connection.execute(query)]
