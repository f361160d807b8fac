"""`roadstead gc`: removes what nothing needs any more."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json, print_table, size
from roadstead.cli.progress import watched

if TYPE_CHECKING:
    from roadstead.upkeep.collect import Report

app = typer.Typer(rich_markup_mode=None, add_completion=False)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")]
Scheduled = Annotated[bool, typer.Option("--scheduled", hidden=True, help="Do nothing where it was done lately.")]

_SHOWN = {
    "manifests": "untagged manifests",
    "links": "links of repositories",
    "blobs": "blobs",
    "contents": "manifests' bytes",
    "pds_blobs": "unused PDS blobs",
    "uploads": "idle uploads",
    "claims": "ended claims",
    "tokens": "ended tokens",
    "events": "old events",
}


@app.command(epilog="Examples: roadstead gc --dry-run; roadstead gc --data /var/lib/roadstead --json")
def gc(data: Data = None, dry_run: DryRun = False, as_json: AsJson = False, scheduled: Scheduled = False) -> None:
    """Remove what nothing needs any more, beside a running server.

    Kept is what a manifest, an index's child, a referrer or an upload under way needs, and all that is younger than
    the grace period (ROADSTEAD_GC_GRACE_HOURS). Manifests without a tag are kept too, unless ROADSTEAD_UNTAGGED_DAYS
    says otherwise.
    """
    from roadstead.app import upkeep
    from roadstead.core.errors import Conflict

    with services_of(data) as services:
        if dry_run:
            _show(asyncio.run(upkeep.collector(services).forecast()), as_json=as_json)
            return
        if scheduled and not upkeep.is_due(services, "gc"):
            return
        try:
            with upkeep.leased(services, upkeep.COLLECTING) as lease, watched() as progress:
                report = asyncio.run(upkeep.collector(services).run(lease, progress))
        except Conflict:
            if scheduled:
                return  # another replica does it
            raise
    _show(report, as_json=as_json)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    verb = "would be removed" if report.is_forecast else "removed"
    figures = report.figures()
    facts = {what: str(figures[name]) for name, what in _SHOWN.items() if figures[name]}
    facts[f"space {'that would be freed' if report.is_forecast else 'freed'}"] = size(
        report.blob_bytes + report.content_bytes
    )
    typer.echo(f"{verb}:")
    print_facts(facts)
    if report.repositories:
        typer.echo()
        rows = [(one.repository, str(one.links), size(one.size_bytes)) for one in report.repositories]
        print_table(("repository", "blobs", "size"), rows)
