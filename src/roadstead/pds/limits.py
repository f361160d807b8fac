"""What an app password may write to its account's records: only those of the repositories that it is limited to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from roadstead.core.atcr import OF_REPOSITORY
from roadstead.core.errors import Denied
from roadstead.core.rights import Action, Asker, Limits
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


def _covers(limits: Limits, account: str, collection: str, value: Mapping[str, Any], action: Action) -> bool:
    if EVERY_REPOSITORY in limits.repositories:
        return action in limits.actions
    path = value.get("repository")
    return collection in OF_REPOSITORY and isinstance(path, str) and limits.cover(f"{account}/{path}", action)
