"""Scopes as text."""

import pytest

from roadstead.core.access.scope import (
    CATALOG_SCOPE,
    MOST_CHARACTERS,
    MOST_SCOPES,
    Scope,
    format_scopes,
    parse_scopes,
)
from roadstead.core.errors import Invalid


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("repository:alice/app:pull", Scope("repository", "alice/app", ("pull",))),
        ("repository:alice/app:pull,push", Scope("repository", "alice/app", ("pull", "push"))),
        ("registry:catalog:*", CATALOG_SCOPE),
        ("repository:did:web:alice.localhost/app:pull", Scope("repository", "did:web:alice.localhost/app", ("pull",))),
        ("repository:host:5000/app:pull", Scope("repository", "host:5000/app", ("pull",))),
        ("repository(plugin):alice/app:pull", Scope("repository", "alice/app", ("pull",))),
    ],
)
def test_parsing(text: str, scope: Scope) -> None:
    assert Scope.parse(text) == scope
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repository",
        "repository:alice/app",
        "repository:alice/app:",
        "repository::pull",
        ":a:pull",
        "a:b:pull,",
        "a:b:PULL",
        "a:b c:pull",
        'a:b":pull',
        "a:b\\:pull",
        "a:b:pull\n",
        "a:é:pull",
        "a:" + "b" * MOST_CHARACTERS + ":pull",
    ],
)
def test_what_is_no_scope(text: str) -> None:
    with pytest.raises(Invalid):
        Scope.parse(text)


def test_several_in_one_parameter_or_in_several() -> None:
    one, two, three = (f"repository:alice/app{number}:pull" for number in range(3))
    parsed = parse_scopes([f"{one} {two}", "", three])
    assert [scope.name for scope in parsed] == ["alice/app0", "alice/app1", "alice/app2"]
    assert parse_scopes([format_scopes(parsed)]) == parsed


def test_bounds() -> None:
    parse_scopes(["a:b:pull"] * MOST_SCOPES)
    with pytest.raises(Invalid):
        parse_scopes(["a:b:pull"] * (MOST_SCOPES + 1))
    with pytest.raises(Invalid):
        parse_scopes(["a:" + "b" * (MOST_CHARACTERS // 2) + ":pull"] * 2)
