"""Names of repositories and tags."""

import pytest

from roadstead.core.errors import InvalidName
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import MAX_NAME_LENGTH, RepositoryName, Tag, parse_reference


@pytest.mark.parametrize(
    ("text", "owner", "path"),
    [
        ("alice/app", "alice", "app"),
        ("alice/app/sub", "alice", "app/sub"),
        ("alice.example.com/app", "alice.example.com", "app"),
        ("did:web:alice.example.com/app", "did:web:alice.example.com", "app"),
        ("did:web:localhost%3A5000/app", "did:web:localhost%3A5000", "app"),
        ("did-web-alice.example.com/app", "did-web-alice.example.com", "app"),
        ("alice/a__b---c.d_e", "alice", "a__b---c.d_e"),
    ],
)
def test_names(text: str, owner: str, path: str) -> None:
    name = RepositoryName.parse(text)
    assert (name.owner, name.path, str(name)) == (owner, path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "alice/",
        "/app",
        "alice//app",
        "alice/../app",
        "alice/..",
        "alice/.app",
        "alice/app.",
        "alice/App",
        "Alice/app",
        "alice/a___b",
        "alice/a..b",
        "alice/app\n",
        "alice/ünïcode",
        "did:/app",
        "did:web:/app",
        "alice/" + "a" * MAX_NAME_LENGTH,
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        RepositoryName.parse(text)


def test_a_name_of_one_component_is_told_what_is_missing() -> None:
    with pytest.raises(InvalidName, match="ACCOUNT/REPOSITORY"):
        RepositoryName.parse("app")


@pytest.mark.parametrize("text", ["latest", "1.0", "_x", "A-b.C", "a" * 128])
def test_tags(text: str) -> None:
    assert parse_reference(text) == Tag(text)


@pytest.mark.parametrize("text", ["", ".a", "-a", "a" * 129, "a b", "a/b", "a\n", "é"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        Tag.parse(text)


def test_a_colon_makes_a_digest() -> None:
    digest = Digest.of(b"")
    assert parse_reference(str(digest)) == digest
