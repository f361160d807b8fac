"""What may not be written to an account's records by XRPC, though its owner has logged in.

An app password writes only the records of the repositories that it is limited to. And nobody writes those of a private
repository: what is in a PDS is public, so that its records are kept elsewhere (`roadstead.registry.private_records`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy.engine import Connection

from roadstead.core.access.rights import Action, Asker, Limits, Visibility
from roadstead.core.atproto.atcr import OF_REPOSITORY
from roadstead.core.errors import Denied
from roadstead.index import repositories
from roadstead.pds.ports import RecordChange

EVERY_REPOSITORY: Final = "*"


def check(asker: Asker, changes: Iterable[RecordChange]) -> None:
    """Returns if `asker`'s credential covers all of `changes`.

    Raises:
        Denied: it does not.
    """
    if asker.limits is None:
        return
    for change in changes:
        action = Action.DELETE if change.after is None else Action.PUSH
        for value in (change.before, change.after):
            if value is not None and not _covers(asker.limits, asker.name, change.collection, value, action):
                raise Denied(
                    f"the app password does not cover {action} of {change.collection}/{change.rkey}",
                    remedy="log in with the account's password, or with an app password for this repository",
                )


def check_public(connection: Connection, account_id: int, changes: Iterable[RecordChange]) -> None:
    """Returns if none of `changes` writes a record of a private repository.

    Raises:
        Denied: one does.
    """
    for change in changes:
        path = change.after.get("repository") if change.after and change.collection in OF_REPOSITORY else None
        row = repositories.by_name(connection, account_id, path) if isinstance(path, str) else None
        if row is not None and row.visibility == Visibility.PRIVATE:
            raise Denied(
                f"{row.name} is private, and records in a PDS are public",
                remedy="push to it as to a registry, or publish it first",
            )


def _covers(limits: Limits, account: str, collection: str, value: Mapping[str, Any], action: Action) -> bool:
    if EVERY_REPOSITORY in limits.repositories:
        return action in limits.actions
    path = value.get("repository")
    return collection in OF_REPOSITORY and isinstance(path, str) and limits.cover(f"{account}/{path}", action)
