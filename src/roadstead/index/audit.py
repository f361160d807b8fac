"""The audit: who changed what about accounts and rights, and which credentials were refused. It is only added to."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import Connection

from roadstead.index.tables import audit

OPERATOR: Final = "operator"
"""The actor of what was done by a command on this machine."""


def record(connection: Connection, at_ms: int, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Adds an entry within the transaction of what it tells.

    Args:
        actor: an account's name, `operator`, or the address of who is not known.
        action: such as `account.create`, `repository.grant`, `login.refused`.
        subject: the account or repository it was done to.
        detail: what else matters; never a secret.
    """
    row = {"at_ms": at_ms, "actor": actor, "action": action, "subject": subject, "detail": detail}
    connection.execute(audit.insert().values(row))
