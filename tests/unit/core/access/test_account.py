"""Account names, and the ways in which a name's first component spells an account."""

import pytest

from roadstead.core.access.account import check_name, did_of, handle_of, name_of_component
from roadstead.core.atproto.handle import Handle
from roadstead.core.errors import InvalidName, UnknownName
from roadstead.core.oci.reference import RepositoryName

_HOSTS = frozenset({"localhost", "reg.example.com"})


@pytest.mark.parametrize("name", ["al", "alice", "a-b", "a--b", "0x", "a" * 32, "admin", "diderot"])
def test_a_name_is_a_path_component_and_a_label_at_once(name: str) -> None:
    assert check_name(name) == name
    assert RepositoryName.parse(f"{name}/app").owner == name
    assert Handle.parse(handle_of(name, "reg.example.com")).text == f"{name}.reg.example.com"
    assert did_of(name, "reg.example.com") == f"did:web:{name}.reg.example.com"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a" * 33,
        "Alice",
        "al ice",
        "al.ice",
        "al_ice",
        "-al",
        "al-",
        "did",
        "did-web-x",
        "did-",
        "xn--a",
        "é1",
        "al\n",
        "v2",
        "auth",
        "localhost",
        "..",
        "a/b",
        "１２",
    ],
)
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(InvalidName):
        check_name(name)


@pytest.mark.parametrize(
    "component",
    [
        "alice",
        "alice.localhost",
        "alice.reg.example.com",
        "did:web:alice.localhost",
        "did-web-alice.localhost",
        "did:web:alice.reg.example.com",
        "did-web-alice.reg.example.com",
    ],
)
def test_every_spelling_means_the_same_account(component: str) -> None:
    assert name_of_component(component, _HOSTS) == "alice"


@pytest.mark.parametrize(
    "component",
    [
        "alice.example.com",
        "a.alice.localhost",
        "did:web:example.com",
        "did:web:alice.localhost%3A5000",
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "did-plc-ewvi7nxzyoun6zhxrhs64oiz",
        "reg.example.com",
    ],
)
def test_identities_of_other_servers_are_not_served_yet(component: str) -> None:
    with pytest.raises(UnknownName, match="other servers are not served yet"):
        name_of_component(component, _HOSTS)


@pytest.mark.parametrize(
    "component",
    ["", "-", "Alice", "a" * 300, "did:", "did:plc:x", "did-web-", "did-x", "alice..localhost", "a\n", ".", "é"],
)
def test_what_is_no_identity_at_all(component: str) -> None:
    with pytest.raises(InvalidName):
        name_of_component(component, _HOSTS)


@pytest.mark.parametrize("component", ["a_b", "a__b", "a", "a" * 100])
def test_names_that_no_account_can_have_are_names_all_the_same(component: str) -> None:
    """What is well-formed by OCI's grammar is unknown, not malformed."""
    RepositoryName.parse(f"{component}/app")
    assert name_of_component(component, _HOSTS) == component
