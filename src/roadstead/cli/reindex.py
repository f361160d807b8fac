"""`roadstead reindex`: rebuilds the index from the records."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json, print_table
from roadstead.cli.progress import watched

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SHOWN = 50
"""Skipped records that are listed for people; `--json` has them all."""


@app.command(epilog="Example: roadstead reindex --data /var/lib/roadstead")
def reindex(data: Data = None, as_json: AsJson = False) -> None:
    """Rebuild manifests, tags and what they name from the records, beside a running server.

    An account is done at a time, and readers see it either as it was or as it is then. Everything else (accounts,
    rights, links, keys, counts) is not touched.
    """
    from roadstead.app import upkeep

    with services_of(data) as services, watched() as progress:
        report = asyncio.run(upkeep.reindex(services).run(progress))
    if as_json:
        print_json(asdict(report))
        return
    facts = {"accounts": report.accounts, "manifests": report.manifests, "tags": report.tags}
    print_facts({**{name: str(count) for name, count in facts.items()}, "records skipped": str(len(report.skipped))})
    if report.skipped:
        typer.echo()
        rows = [(one.account, f"{one.collection}/{one.rkey}", one.reason) for one in report.skipped[:SHOWN]]
        print_table(("account", "record", "why"), rows)
