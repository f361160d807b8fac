"""`roadstead repo`: who else may do what with a repository, and who may see it."""

from __future__ import annotations

from typing import Annotated

import typer

from roadstead.cli.options import AsJson, Data, services_of
from roadstead.cli.output import print_facts, print_json
from roadstead.core.access.rights import Action
from roadstead.index import clock

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Say who may see a repository, and who may do what."
)

Repository = Annotated[str, typer.Argument(metavar="REPO", help="Such as alice/app.")]
Other = Annotated[str, typer.Argument(metavar="NAME", help="The other account's name, handle or DID.")]
What = Annotated[Action, typer.Argument(metavar="pull|push|delete", help="Push brings pull along; delete comes alone.")]


@app.command(epilog="Example: roadstead repo grant alice/app bob push")
def grant(repository: Repository, name: Other, action: What, data: Data = None, as_json: AsJson = False) -> None:
    """Let another account pull from, push to or delete from a repository."""
    from roadstead.auth import grants

    now_ms = clock.now_ms()
    with services_of(data) as services:
        row = services.database.write_now(
            lambda connection: grants.grant(connection, repository, name, action, now_ms=now_ms)
        )
    _show("granted", row.name, name, action, as_json=as_json)


@app.command(epilog="Example: roadstead repo revoke alice/app bob push")
def revoke(repository: Repository, name: Other, action: What, data: Data = None, as_json: AsJson = False) -> None:
    """Take a grant back, at once."""
    from roadstead.auth import grants

    now_ms = clock.now_ms()
    with services_of(data) as services:
        row = services.database.write_now(
            lambda connection: grants.revoke(connection, repository, name, action, now_ms=now_ms)
        )
    _show("revoked", row.name, name, action, as_json=as_json)


@app.command(epilog="Example: roadstead repo publish alice/app")
def publish(repository: Repository, data: Data = None, as_json: AsJson = False) -> None:
    """Make a repository public: everybody may pull it, and its records enter its account's PDS."""
    from roadstead.app.hosting import visibilities

    with services_of(data) as services:
        shelves, now_ms = visibilities(services), clock.now_ms()
        row = services.database.write_now(lambda c: shelves.publish(c, repository, now_ms=now_ms))
    _show_visibility("published", row.name, "its records are public from now on", as_json=as_json)


@app.command(epilog="Example: roadstead repo hide alice/app")
def hide(repository: Repository, data: Data = None, as_json: AsJson = False) -> None:
    """Make a repository private: its records leave the PDS and firehose. Copies already read cannot be recalled."""
    from roadstead.app.hosting import visibilities

    with services_of(data) as services:
        shelves, now_ms = visibilities(services), clock.now_ms()
        row = services.database.write_now(lambda c: shelves.hide(c, repository, now_ms=now_ms))
    _show_visibility("hidden", row.name, "what others have read before cannot be recalled", as_json=as_json)


def _show_visibility(what: str, repository: str, note: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"repository": repository, "change": what, "note": note})
    else:
        print_facts({what: repository, "note": note})


def _show(what: str, repository: str, name: str, action: Action, *, as_json: bool) -> None:
    if as_json:
        print_json({"repository": repository, "account": name, "action": action.value, "change": what})
    else:
        print_facts({what: f"{action} on {repository}", "account": name})
