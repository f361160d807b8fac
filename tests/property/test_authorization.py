"""Scopes round-trip; and whatever stands in an Authorization header gives a bearer, or one declared error."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from roadstead.auth.directory import AccountDirectory
from roadstead.auth.keys import SigningKeys
from roadstead.auth.tokens import Tokens
from roadstead.core.access.account import check_name, did_of, handle_of, name_of_component
from roadstead.core.access.rights import (
    ANONYMOUS,
    Action,
    Allowed,
    Asker,
    Bearer,
    Limits,
    RepositoryRights,
    Visibility,
    decide,
    require,
)
from roadstead.core.access.scope import Scope, format_scopes, parse_scopes
from roadstead.core.errors import Invalid, InvalidName, Misuse, Unauthorized, UnknownName
from roadstead.identity.resolve import Resolver
from roadstead.index import schema
from roadstead.index.database import Database

_NOW_S = 1_800_000_000.0

_names = st.from_regex(r"[a-z0-9]{1,8}([-._:/][a-z0-9]{1,8}){0,4}", fullmatch=True)
_scopes = st.builds(
    Scope,
    st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True),
    _names,
    st.lists(st.sampled_from(["pull", "push", "delete", "*"]), min_size=1, max_size=4).map(tuple),
)


@given(st.lists(_scopes, max_size=20))
def test_scopes_round_trip(scopes: list[Scope]) -> None:
    assert parse_scopes([format_scopes(scopes)]) == tuple(scopes)
    assert parse_scopes(map(str, scopes)) == tuple(scopes)


@given(st.lists(st.text(), max_size=4))
def test_any_text_is_scopes_or_invalid(texts: list[str]) -> None:
    with suppress(Invalid):
        for scope in parse_scopes(texts):
            assert Scope.parse(str(scope)) == scope


@given(st.from_regex(r"[a-z0-9-]{1,34}", fullmatch=True))
def test_a_name_that_may_be_is_found_by_all_its_spellings(name: str) -> None:
    try:
        check_name(name)
    except InvalidName:
        return
    for host in ("localhost", "reg.example.com"):
        handle, did = handle_of(name, host), did_of(name, host)
        for spelling in (name, handle, did, did.replace(":", "-")):
            assert name_of_component(spelling, {"localhost", "reg.example.com"}) == name


@given(st.text(max_size=300))
@example("did:web:")
@example("did-web-")
@example(".localhost")
def test_any_text_is_a_component_or_one_of_two_errors(text: str) -> None:
    with suppress(InvalidName, UnknownName):
        name_of_component(text, {"localhost"})


_askers = st.builds(
    Asker,
    st.sampled_from([None, 1, 2, 3]),
    limits=st.none()
    | st.builds(
        Limits,
        st.lists(st.sampled_from(["*", "a/*", "a/b", "a/b/*", "b/*"]), max_size=3).map(tuple),
        st.frozensets(st.sampled_from(Action)),
    ),
)
_grants = st.dictionaries(st.sampled_from([2, 3]), st.frozensets(st.sampled_from([action.value for action in Action])))
_rights = st.builds(
    RepositoryRights, st.just(1), st.sampled_from(["a/b", "a/b/c"]), st.none() | st.sampled_from(Visibility), _grants
)


@given(_askers, _rights, st.sampled_from(Action), st.frozensets(st.sampled_from(Action)), st.booleans())
def test_a_token_only_narrows(
    asker: Asker, rights: RepositoryRights, action: Action, access: frozenset[Action], has_token: bool
) -> None:
    decision = decide(asker, rights, action)
    bearer = Bearer(asker, {rights.name: access}, has_token=has_token)
    if isinstance(decision, Allowed) and action in access:
        require(bearer, rights, action)
        return
    with pytest.raises(Misuse) as caught:
        require(bearer, rights, action)
    assert isinstance(caught.value, Unauthorized) or asker.account_id is not None


@given(_askers, _rights, st.sampled_from(Action))
def test_limits_and_the_lack_of_grants_only_narrow(asker: Asker, rights: RepositoryRights, action: Action) -> None:
    def allowed(asker: Asker, rights: RepositoryRights) -> bool:
        return isinstance(decide(asker, rights, action), Allowed)

    if allowed(asker, rights):
        assert allowed(Asker(asker.account_id), rights)
        assert allowed(
            asker, RepositoryRights(1, rights.name, rights.visibility, {**rights.grants, 3: frozenset()})
        ) or (asker.account_id == 3)
    if allowed(ANONYMOUS, rights):
        assert allowed(asker, rights)


class _Process:
    """A process's tokens on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'roadstead.db'}", folder)
        schema.ensure(self.database.engine)
        keys = SigningKeys(self.database, rotate_after_days=30, token_life_s=900, clock=lambda: _NOW_S)
        resolver = Resolver(AccountDirectory(self.database))
        self.tokens = Tokens(self.database, keys, resolver, service="s", life_s=900, clock=lambda: _NOW_S)
        self.good = b"Bearer " + asyncio.run(self.tokens.issue(ANONYMOUS, [])).text.encode()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Process]:
    ours = _Process(tmp_path_factory.mktemp("tokens"))
    yield ours
    ours.database.close()


def _authenticate(process: _Process, header: bytes) -> Bearer | None:
    try:
        return asyncio.run(process.tokens.authenticate(header))
    except Unauthorized:
        return None


_headers = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda rest: b"Bearer " + rest),
    st.lists(st.binary(max_size=60).map(base64.urlsafe_b64encode), max_size=5).map(
        lambda parts: b"Bearer " + b".".join(parts)
    ),
    st.lists(st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5), max_size=3).map(
        lambda value: b"Bearer " + base64.urlsafe_b64encode(repr(value).encode()) + b".e30.x"
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(header=_headers)
def test_any_header_gives_a_bearer_or_unauthorized(header: bytes, process: _Process) -> None:
    assert _authenticate(process, header) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_good_token_with_any_change_is_no_other(data: st.DataObject, process: _Process) -> None:
    """A changed byte may leave the same bits (base64's last ones); what it then says is what it said."""
    assert _authenticate(process, process.good) == Bearer(ANONYMOUS)
    position = data.draw(st.integers(7, len(process.good) - 1))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    changed = process.good[:position] + byte + process.good[position + 1 :]
    assert _authenticate(process, changed) in (None, Bearer(ANONYMOUS))
    cut = data.draw(st.integers(0, len(process.good) - 1))
    assert _authenticate(process, process.good[:cut]) is None
