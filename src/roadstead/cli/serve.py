"""`roadstead serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadstead.cli.options import Data

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Example:  roadstead serve --data /srv/roadstead --listen 0.0.0.0:5000 --workers 2")
def serve(
    data: Data = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to serve. [default: 127.0.0.1:5000]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that serve. [default: one a core]")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The URL under which clients reach this server.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings. [default: roadstead.toml in the data folder]")
    ] = None,
) -> None:
    """Serve the registry, with its PDS and its hold, until a signal says to stop.

    Everything has a default; docs/configuration.md has all settings. The first start creates an account and says
    what to type next.
    """
    import os

    from roadstead.app.serve import serve as run
    from roadstead.app.settings import load

    flags = {
        "data": _text(data),
        "listen": listen,
        "workers": workers,
        "public_url": public_url,
        "tls_cert": _text(tls_cert),
        "tls_key": _text(tls_key),
    }
    run(load(flags, os.environ, config))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
