"""Grants: what another account may do with a repository. All are works within a transaction."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from roadstead.core.access.account import Account
from roadstead.core.access.rights import Action
from roadstead.core.errors import Invalid, UnknownName
from roadstead.core.oci.reference import RepositoryName
from roadstead.index import accounts, audit, repositories
from roadstead.index.database import touch
from roadstead.index.dialects import insert
from roadstead.index.repositories import RepositoryRow
from roadstead.index.tables import grants


def grant(
    connection: Connection, name: str, grantee: str, action: Action, *, now_ms: int, actor: str = audit.OPERATOR
) -> RepositoryRow:
    """Lets another account do something with a repository. Granting twice changes nothing.

    Args:
        name: the repository, its account spelled in any way.
        grantee: the other account's name, handle or DID.

    Raises:
        InvalidName: a malformed name.
        UnknownName: no such repository or account.
        Invalid: the grantee is the owner, who may do everything.
    """
    repository, other = _pair(connection, name, grantee, now_ms)
    if other.id == repository.account_id:
        raise Invalid(f"{other.name} owns {repository.name}", remedy="an owner may do everything already")
    row = {"repository_id": repository.id, "account_id": other.id, "action": action.value, "created_at_ms": now_ms}
    connection.execute(insert(connection, grants).values(row).on_conflict_do_nothing())
    audit.record(connection, now_ms, actor, "repository.grant", repository.name, f"{action} to {other.name}")
    touch(connection, repository.id)
    return repository


def revoke(
    connection: Connection, name: str, grantee: str, action: Action, *, now_ms: int, actor: str = audit.OPERATOR
) -> RepositoryRow:
    """Takes a grant back, at once for tokens that were given for it too.

    Raises:
        InvalidName: a malformed name.
        UnknownName: no such repository, account or grant.
    """
    repository, other = _pair(connection, name, grantee, now_ms)
    is_it = (grants.c.repository_id == repository.id) & (grants.c.account_id == other.id)
    gone = connection.execute(grants.delete().where(is_it, grants.c.action == action.value))
    if gone.rowcount == 0:
        raise UnknownName(f"{action} on {repository.name} is not granted to {other.name}", remedy="nothing was changed")
    audit.record(connection, now_ms, actor, "repository.revoke", repository.name, f"{action} from {other.name}")
    touch(connection, repository.id)
    return repository


def _pair(connection: Connection, name: str, grantee: str, now_ms: int) -> tuple[RepositoryRow, Account]:
    spelled = RepositoryName.parse(name)
    owner = accounts.find(connection, spelled.owner, now_ms)
    repository = repositories.by_name(connection, owner.id, spelled.path)
    if repository is None:
        raise UnknownName(f"there is no repository {owner.name}/{spelled.path}", remedy="push to it first")
    return repository, accounts.find(connection, grantee, now_ms)
