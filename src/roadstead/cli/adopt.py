"""`roadstead adopt`: imports the folder of a distribution registry."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json, print_table, size
from roadstead.cli.progress import watched

if TYPE_CHECKING:
    from roadstead.registry.adopt import Report

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The registry's rootdirectory, such as /var/lib/registry.")]
AccountName = Annotated[str, typer.Option("--account", metavar="NAME", help="Whose the repositories become.")]
Copy = Annotated[bool, typer.Option("--copy", help="Copy every blob, also where a hard link is possible.")]
Link = Annotated[bool, typer.Option("--link", help="Make hard links, and skip what cannot be linked.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what there is to adopt, and change nothing.")]


@app.command(epilog="Example: roadstead adopt /var/lib/registry --account alice --dry-run")
def adopt(
    folder: Folder,
    account: AccountName,
    copy: Copy = False,
    link: Link = False,
    dry_run: DryRun = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Import repositories, tags, manifests and blobs of a distribution registry, beside a running server.

    The registry's folder is only read; stop pushes to it meanwhile. Every blob is verified. Blobs are hard links where
    both folders are on one file system, else copies. The repository app becomes NAME/app, and so does NAME/app. It can
    be done again: what is there already is passed over. Ends with exit code 3 if something could not be adopted.
    """
    from roadstead.app import upkeep
    from roadstead.content.adopting import Way
    from roadstead.content.distribution import Distribution
    from roadstead.core.errors import Misuse

    if copy and link:
        raise Misuse("--copy and --link exclude each other")
    way = Way.COPY if copy else Way.LINK if link else Way.AUTO
    with services_of(data) as services:
        source = Distribution.find(folder)
        owner, adoption = upkeep.account(services, account), upkeep.adoption(services)
        if dry_run:
            report = adoption.forecast(source, owner)
        else:
            with watched() as progress:
                report = asyncio.run(adoption.run(source, owner, way, progress))
    _show(report, as_json=as_json)
    if report.problems:
        raise typer.Exit(3)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    typer.echo("would be adopted:" if report.is_forecast else "adopted:")
    counts = {"repositories": report.repositories, "manifests": report.manifests, "tags": report.tags}
    blobs = f"{report.blobs} ({size(report.blob_bytes)}), linked {report.links} times"
    print_facts({**{name: str(count) for name, count in counts.items()}, "new blobs": blobs})
    if report.problems:
        typer.echo()
        rows = [(one.repository, one.subject, one.reason) for one in report.problems]
        print_table(("left out from", "what", "why"), rows)
