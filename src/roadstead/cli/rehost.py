"""`roadstead rehost`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json

app = typer.Typer()


@app.command(epilog="Example: roadstead rehost https://registry.example.com")
def rehost(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server's new public URL.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Give this server a new host: accounts get its handles and DIDs, and the former ones stay aliases here."""
    from roadstead.app import hosting

    if not yes and sys.stdin.isatty():
        typer.confirm(f"Give all accounts new handles and DIDs under {url}?", abort=True)
    with services_of(data) as services:
        found = hosting.rehost(services, url)
    note = f"set ROADSTEAD_PUBLIC_URL={url.rstrip('/')} and restart the server, so that it names itself so"
    if as_json:
        print_json({"accounts": {one.name: {"handle": one.handle, "did": one.did} for one in found}, "note": note})
    else:
        print_facts({**{one.name: one.did for one in found}, "note": note})
