"""The one decision: every asker at every kind of repository, and that nothing tells absent from private."""

from itertools import product

import pytest

from roadstead.core.access.rights import (
    ANONYMOUS,
    NOBODY,
    Action,
    Allowed,
    Asker,
    Bearer,
    Limits,
    Refused,
    RepositoryRights,
    Visibility,
    decide,
    refusal,
    require,
)
from roadstead.core.errors import Denied, Misuse, RoadsteadError, Unauthorized, UnknownName

_ALICE = Asker(1, "alice")
_BOB = Asker(2, "bob")
_PUBLIC = RepositoryRights(1, "alice/app", Visibility.PUBLIC)
_PRIVATE = RepositoryRights(1, "alice/app", Visibility.PRIVATE)
_ABSENT = RepositoryRights(1, "alice/app")
_ALL = frozenset(Action)


def _granted(*actions: str) -> RepositoryRights:
    return RepositoryRights(1, "alice/app", Visibility.PRIVATE, {2: frozenset(actions)})


def _may(asker: Asker, rights: RepositoryRights | None) -> set[Action]:
    return {action for action in Action if isinstance(decide(asker, rights, action), Allowed)}


def _limited(*actions: str, repositories: tuple[str, ...] = ("*",), account: Asker = _ALICE) -> Asker:
    return Asker(account.account_id, account.name, app_password_id=7, limits=Limits(repositories, frozenset(actions)))


@pytest.mark.parametrize(
    ("asker", "rights", "may"),
    [
        (ANONYMOUS, _PUBLIC, {"pull"}),
        (ANONYMOUS, _PRIVATE, set()),
        (ANONYMOUS, _ABSENT, set()),
        (ANONYMOUS, None, set()),
        (_ALICE, _PUBLIC, {"pull", "push", "delete"}),
        (_ALICE, _PRIVATE, {"pull", "push", "delete"}),
        (_ALICE, _ABSENT, {"pull", "push", "delete"}),
        (_ALICE, None, set()),
        (_BOB, _PUBLIC, {"pull"}),
        (_BOB, _PRIVATE, set()),
        (_BOB, _ABSENT, set()),
        (_BOB, _granted("pull"), {"pull"}),
        (_BOB, _granted("push"), {"pull", "push"}),
        (_BOB, _granted("delete"), {"delete"}),
        (_BOB, _granted("push", "delete"), {"pull", "push", "delete"}),
        (_limited("pull"), _PRIVATE, {"pull"}),
        (_limited("push"), _PRIVATE, {"pull", "push"}),
        (_limited("push"), _ABSENT, {"pull", "push"}),
        (_limited("pull", "push", "delete"), _PRIVATE, {"pull", "push", "delete"}),
        (_limited("push", repositories=("alice/other",)), _PRIVATE, set()),
        (_limited("push", repositories=("alice/other",)), _PUBLIC, {"pull"}),
        (_limited("push", repositories=("alice/*",)), _PRIVATE, {"pull", "push"}),
        (_limited("push", repositories=("alice/app",)), _PRIVATE, {"pull", "push"}),
        (_limited("push", repositories=("alice/app/*",)), _PRIVATE, set()),
        (_limited("push", repositories=("ali/*", "al*", "alice/ap")), _PRIVATE, set()),
        (_limited("pull", "push", account=_BOB), _PRIVATE, set()),
        (_limited("pull", account=_BOB), _granted("push"), {"pull"}),
    ],
)
def test_who_may_do_what(asker: Asker, rights: RepositoryRights | None, may: set[str]) -> None:
    assert _may(asker, rights) == may


@pytest.mark.parametrize(("asker", "action"), list(product([ANONYMOUS, _BOB, _limited("pull", account=_BOB)], Action)))
def test_a_private_repository_is_answered_as_an_absent_one(asker: Asker, action: Action) -> None:
    private, absent = decide(asker, _PRIVATE, action), decide(asker, _ABSENT, action)
    assert private == absent
    assert isinstance(private, Refused)
    assert isinstance(absent, Refused)
    said, also = refusal(private, "alice/app", action), refusal(absent, "alice/app", action)
    assert (type(said), str(said)) == (type(also), str(also))


def _error(asker: Asker, rights: RepositoryRights, action: Action, access: frozenset[Action] = _ALL) -> Misuse:
    with pytest.raises(RoadsteadError) as caught:
        require(Bearer(asker, {rights.name: access}), rights, action)
    assert isinstance(caught.value, Misuse)
    return caught.value


def test_which_error_says_no() -> None:
    assert isinstance(_error(ANONYMOUS, _PRIVATE, Action.PULL), Unauthorized)
    assert isinstance(_error(ANONYMOUS, _PUBLIC, Action.PUSH), Unauthorized)
    assert isinstance(_error(_BOB, _PRIVATE, Action.PULL), UnknownName)
    assert isinstance(_error(_BOB, _PUBLIC, Action.PUSH), Denied)
    assert isinstance(_error(_BOB, _granted("push"), Action.DELETE), Denied)


def test_a_token_has_to_name_the_action() -> None:
    require(Bearer(_ALICE, {"alice/app": frozenset({"pull"})}), _PRIVATE, Action.PULL)
    error = _error(_ALICE, _PRIVATE, Action.PUSH, frozenset({Action.PULL}))
    assert isinstance(error, Unauthorized)
    assert error.error == "insufficient_scope"


def test_a_token_for_another_repository_gives_nothing() -> None:
    with pytest.raises(Unauthorized) as caught:
        require(Bearer(_ALICE, {"alice/other": _ALL}), _PRIVATE, Action.PULL)
    assert caught.value.error == "insufficient_scope"


def test_a_token_gives_nothing_that_is_not_allowed_now() -> None:
    """It was given while the repository was public, or the grant was there."""
    assert isinstance(_error(ANONYMOUS, _PRIVATE, Action.PULL), Unauthorized)
    assert isinstance(_error(_BOB, _PRIVATE, Action.PUSH), Denied)


def test_without_a_token_the_challenge_blames_none() -> None:
    for rights in (_PUBLIC, _PRIVATE):
        with pytest.raises(Unauthorized) as caught:
            require(NOBODY, rights, Action.PULL)
        assert caught.value.error == ""
