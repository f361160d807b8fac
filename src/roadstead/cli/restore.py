"""`roadstead restore`: fills an empty data folder from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadstead.cli.backup import show
from roadstead.cli.options import AsJson, Data
from roadstead.cli.progress import watched

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Source = Annotated[Path, typer.Argument(metavar="FILE.tar|DIR", help="What roadstead backup has written.")]


@app.command(epilog="Example: roadstead restore /backups/roadstead --data /var/lib/roadstead")
def restore(source: Source, data: Data = None, as_json: AsJson = False) -> None:
    """Fill an empty data folder from a backup; every blob is verified.

    The server starts on it as on its own, with the accounts, keys and names that the backup has. Ends with exit code
    3 if blobs are damaged; the others are restored, and the next push of the damaged ones heals them.
    """
    from roadstead.app.settings import from_environment
    from roadstead.upkeep import backup

    settings = from_environment(data=None if data is None else str(data))
    with watched() as progress:
        report = backup.restore(source, settings.path, settings.storage_path, progress)
    show("restored", report, as_json=as_json)
