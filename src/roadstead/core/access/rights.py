"""Who may do what with a repository: one decision, and its reason.

    who asks              pull                       push                       delete
    anybody               public repositories        –                          –
    the owner             all of its own             all, absent ones included  all
    who was granted       pull; push brings it along push                       delete
    an app password       what its account may, narrowed to its patterns and actions

What a public repository gives to everybody is refused to nobody: no limit of an app password takes it away.

**Absent and private look the same.** Who may not see a private repository gets, to the letter, what an absent one
would give: *Unauthorized* for who is not logged in (logging in might help), *UnknownName* for a pull by an account,
*Denied* for its push or delete, which depends on whose namespace it is and not on what is in it.

A token adds nothing to this and only narrows it: its `access` has to name the action, *and* the decision has to
allow it at the time of use, so that hiding, revoking and deleting take effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from roadstead.core.errors import Denied, Misuse, Unauthorized, UnknownName


class Action(StrEnum):
    """What can be done with a repository; the words are those of scopes."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


class Visibility(StrEnum):
    """Who may see a repository: everybody, or its owner and who was granted something."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Limits:
    """To what an app password narrows its account.

    Args:
        repositories: patterns: a repository's name, `NAME/*` for all below it, or `*`.
        actions: push brings pull along: a push has to ask what is there.
    """

    repositories: tuple[str, ...]
    actions: frozenset[str]

    def cover(self, name: str, action: Action) -> bool:
        """Whether `action` on the repository `name` (`ACCOUNT/PATH`) is within the limits."""
        return _brings(self.actions, action) and any(_matches(pattern, name) for pattern in self.repositories)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Args:
        account_id: `None` for who has not logged in.
        credential: tells the account's present password from its next one, so that what was given for it ends with
            it; empty for an app password.
        app_password_id: the app password that was used in place of the account's own.
        limits: what the app password narrows the account to.
    """

    account_id: int | None
    name: str = ""
    did: str = ""
    credential: str = ""
    app_password_id: int | None = None
    limits: Limits | None = None


ANONYMOUS: Final = Asker(None)


@dataclass(frozen=True, slots=True)
class RepositoryRights:
    """What a decision needs to know about a repository, existing or not, in the namespace of an account.

    Args:
        name: `ACCOUNT/PATH`, with the account's name and not an alias of it.
        visibility: `public`, `private`, or `None` when there is no such repository yet.
        grants: actions granted to other accounts, by account id; the words are those of `Action`.
    """

    owner_id: int
    name: str
    visibility: str | None = None
    grants: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes.

    Args:
        reason: by which right, for the audit and for tests.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No.

    Args:
        reason: why, in words that may be shown to who asked: they tell nothing of what is private.
        could_log_in: whether somebody who logs in might be allowed.
    """

    reason: str
    could_log_in: bool


Decision: TypeAlias = Allowed | Refused


def decide(asker: Asker, rights: RepositoryRights | None, action: Action) -> Decision:
    """Whether `asker` may do `action`, and why.

    Args:
        rights: `None` when not even the account exists in whose namespace the repository would be.
    """
    if rights is not None and rights.visibility == Visibility.PUBLIC and action is Action.PULL:
        return Allowed("the repository is public")
    if asker.account_id is None:
        return Refused(f"who has not logged in may not {action} this", could_log_in=True)
    if rights is None:
        return Refused("there is no such account", could_log_in=False)
    if asker.limits is not None and not asker.limits.cover(rights.name, action):
        return Refused(f"the app password does not cover {action} here", could_log_in=False)
    if asker.account_id == rights.owner_id:
        return Allowed("the account owns the repository")
    if _brings(rights.grants.get(asker.account_id, frozenset()), action):
        return Allowed(f"{action} was granted to the account")
    return Refused(f"{asker.name} may not {action} here", could_log_in=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bears a token, and what the token names.

    Args:
        access: the actions that the token gives, by repository name (`ACCOUNT/PATH`).
        catalog: whether it gives the list of repositories, of which everybody sees their own part.
        has_token: false for a request without any token, which gets a challenge where a token is needed.
    """

    asker: Asker
    access: Mapping[str, frozenset[str]] = field(default_factory=dict)
    catalog: bool = False
    has_token: bool = True

    def names(self, name: str, action: Action) -> bool:
        """Whether the token names `action` on the repository."""
        return action in self.access.get(name, ())


NOBODY: Final = Bearer(ANONYMOUS, has_token=False)
"""A request without a token."""


def require(bearer: Bearer, rights: RepositoryRights, action: Action) -> None:
    """Returns if the token names `action` and it is allowed now.

    Raises:
        Unauthorized: another token might help: there is none, this one names less, or it is nobody's. Its `error` is
            the challenge's (RFC 6750, 3.1).
        UnknownName: a pull by an account of what it may not see, or what is not there.
        Denied: a push or delete that the account may not do.
    """
    decision = decide(bearer.asker, rights, action)
    if isinstance(decision, Refused):
        raise refusal(decision, rights.name, action, had_token=bearer.has_token)
    if not bearer.names(rights.name, action):
        raise Unauthorized(
            f"{action} on {rights.name} needs a token that names it",
            error="insufficient_scope" if bearer.has_token else "",
        )


def refusal(refused: Refused, name: str, action: Action, *, had_token: bool = True) -> Misuse:
    """The error that says `refused` for a repository. See the module's text for why it is which."""
    if refused.could_log_in:
        return Unauthorized(
            f"{name}: {refused.reason}", remedy="log in first", error="insufficient_scope" if had_token else ""
        )
    if action is Action.PULL:
        return UnknownName(f"there is no repository {name} that you may see")
    return Denied(f"{name}: {refused.reason}", remedy="ask its owner for a grant")


def _brings(actions: frozenset[str], action: Action) -> bool:
    return action in actions or (action is Action.PULL and Action.PUSH in actions)


def _matches(pattern: str, name: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith("/*"):
        return name.startswith(pattern[:-1])
    return name == pattern
