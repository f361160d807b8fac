"""`roadstead verify`: reads back all that is stored."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json, print_table, size
from roadstead.cli.progress import watched
from roadstead.index import clock

if TYPE_CHECKING:
    from roadstead.app.services import Services
    from roadstead.upkeep.scrub import Report

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Repository = Annotated[
    str | None, typer.Option("--repository", metavar="REPO", help="Only what this repository has, such as alice/app.")
]
Scheduled = Annotated[bool, typer.Option("--scheduled", hidden=True, help="Only what was not verified lately.")]


@app.command(epilog="Examples: roadstead verify; roadstead verify --repository alice/app --json")
def verify(
    repository: Repository = None, data: Data = None, as_json: AsJson = False, scheduled: Scheduled = False
) -> None:
    """Read back every blob, manifest and record, and put aside what is damaged.

    A damaged blob is answered as absent from then on, so that the next push of it heals it; its file is kept in the
    folder `quarantine`. Ends with exit code 3 if anything is damaged.
    """
    from roadstead.app import upkeep
    from roadstead.core.errors import Conflict

    with services_of(data) as services:
        if scheduled and not upkeep.is_due(services, "verify"):
            return
        only = upkeep.repository_id(services, repository) if repository else None
        try:
            report = _run(services, only, scheduled=scheduled)
        except Conflict:
            if scheduled:
                return  # another replica does it
            raise
    _show(report, as_json=as_json)
    if report.damage:
        raise typer.Exit(3)


def _run(services: Services, only: int | None, *, scheduled: bool) -> Report:
    from roadstead.app import upkeep
    from roadstead.app.services import HOUR_MS

    before_ms = None
    if scheduled:
        # What was pushed or read back since the middle of the interval is left to the next time.
        interval_ms = services.settings.scrub_interval_hours * HOUR_MS
        before_ms = clock.now_ms() - int(interval_ms * upkeep.RECENT)
    with upkeep.leased(services, upkeep.SCRUBBING) as lease, watched() as progress:
        scrubber = upkeep.scrubber(services)
        return asyncio.run(scrubber.run(lease, repository_id=only, before_ms=before_ms, progress=progress))


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(report), "damage": report.damage})
        return
    print_facts(
        {
            "blobs read": f"{report.blobs} ({size(report.blob_bytes)})",
            "manifests read": str(report.manifests),
            "accounts read": str(report.accounts),
            "damaged": str(report.damage),
        }
    )
    if report.findings:
        typer.echo()
        rows = [(one.kind, one.subject, one.detail) for one in report.findings]
        print_table(("what", "of", "detail"), rows)
