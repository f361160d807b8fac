"""`roadstead backup`: database and blobs of a running server, into a tar file or a folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json, size
from roadstead.cli.progress import watched
from roadstead.index import clock

if TYPE_CHECKING:
    from roadstead.upkeep.archive import Archive
    from roadstead.upkeep.backup import Report

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Target = Annotated[
    Path, typer.Argument(metavar="FILE.tar|DIR", help="A tar file, - for standard output, or a folder.", dir_okay=True)
]


@app.command(epilog="Examples: roadstead backup /backups/roadstead; roadstead backup - | zstd > roadstead.tar.zst")
def backup(target: Target, data: Data = None, as_json: AsJson = False) -> None:
    """Back up database and blobs beside a running server.

    A folder that holds an earlier backup gets only what is new. The backup holds the accounts' keys and password
    hashes: keep it as safe as the server. Ends with exit code 3 if blobs are damaged; the others are backed up.
    """
    from roadstead import __version__
    from roadstead.app import upkeep
    from roadstead.upkeep.backup import back_up

    with services_of(data) as services, contextlib.ExitStack() as stack:
        database = upkeep.sqlite_file(services)
        lease = stack.enter_context(upkeep.leased(services, upkeep.COLLECTING))
        archive = stack.enter_context(_archive(target, clock.now_ms()))
        progress = stack.enter_context(watched())
        report = back_up(
            database,
            services.settings.storage_path,
            archive,
            lease,
            progress,
            version=__version__,
            now_ms=clock.now_ms(),
        )
    # Standard output may be the backup itself.
    show("backed up", report, as_json=as_json, err=str(target) == "-")


@contextlib.contextmanager
def _archive(target: Path, now_ms: int) -> Iterator[Archive]:
    from roadstead.core.errors import Conflict, Failure
    from roadstead.upkeep.archive import FolderArchive, TarArchive

    if str(target) == "-":
        yield TarArchive(sys.stdout.buffer, now_ms // 1000)
    elif target.suffix != ".tar":
        yield FolderArchive(target)
    elif target.exists():
        raise Conflict(f"{target} exists", remedy="name another file, or remove it")
    else:
        beside = target.with_name(f"{target.name}.new")
        try:
            with beside.open("wb") as file:
                beside.chmod(0o600)
                yield TarArchive(file, now_ms // 1000)
            beside.replace(target)
        except OSError as error:
            raise Failure(f"{target} cannot be written: {error.strerror}") from error
        finally:
            beside.unlink(missing_ok=True)


def show(verb: str, report: Report, *, as_json: bool, err: bool = False) -> None:
    """Tells what was done; exit code 3 where blobs are damaged."""
    if as_json and not err:
        print_json(asdict(report))
    elif err:
        typer.echo(f"{verb}: {report.blobs} blobs, {size(report.blob_bytes)}", err=True)
    else:
        facts = {verb: f"{report.blobs} blobs", "already there": str(report.unchanged), "size": size(report.blob_bytes)}
        print_facts({**facts, "damaged": str(len(report.damaged))})
    for digest in report.damaged:
        typer.echo(f"damaged or missing: {digest}", err=True)
    if report.damaged:
        raise typer.Exit(3)
