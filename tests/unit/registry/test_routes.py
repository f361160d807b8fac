"""Paths: the repository's name may look like anything that follows it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.errors import InvalidDigest, Misuse, Unknown, UnknownManifest, UnknownUpload
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.reference import RepositoryName, Tag
from roadstead.registry.routes import Kind, Route, parse

DIGEST = Digest.of(b"")
APP = RepositoryName("alice", "app")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", Route(Kind.BASE)),
        ("_catalog", Route(Kind.CATALOG)),
        ("alice/app/tags/list", Route(Kind.TAGS, APP)),
        ("alice/app/manifests/1.0", Route(Kind.MANIFEST, APP, reference=Tag("1.0"))),
        (f"alice/app/manifests/{DIGEST}", Route(Kind.MANIFEST, APP, reference=DIGEST)),
        (f"alice/app/blobs/{DIGEST}", Route(Kind.BLOB, APP, digest=DIGEST)),
        ("alice/app/blobs/uploads/", Route(Kind.UPLOADS, APP)),
        ("alice/app/blobs/uploads", Route(Kind.UPLOADS, APP)),
        ("alice/app/blobs/uploads/" + "0" * 32, Route(Kind.UPLOAD, APP, upload_id="0" * 32)),
        (f"alice/app/referrers/{DIGEST}", Route(Kind.REFERRERS, APP, digest=DIGEST)),
        (
            "alice/manifests/manifests/tags",
            Route(Kind.MANIFEST, RepositoryName("alice", "manifests"), reference=Tag("tags")),
        ),
        ("alice/tags/list/tags/list", Route(Kind.TAGS, RepositoryName("alice", "tags/list"))),
    ],
)
def test_paths(path: str, expected: Route) -> None:
    assert parse(path) == expected


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("alice/app/manifests/.nobody-can-push-this", UnknownManifest),
        ("alice/app/manifests/sha256:short", InvalidDigest),
        ("alice/app/blobs/sha256:short", InvalidDigest),
        ("alice/app/referrers/latest", InvalidDigest),
        ("alice/app/blobs/uploads/not-ours", UnknownUpload),
    ],
)
def test_a_bad_tail_is_an_error_of_the_repository_whose_rights_come_first(path: str, error: type[Misuse]) -> None:
    route = parse(path)
    assert isinstance(route.error, error)
    assert route.name == APP


def test_an_unknown_path() -> None:
    with pytest.raises(Unknown):
        parse("alice/app/something/else")


@given(st.text(max_size=60))
def test_any_path_is_a_route_or_one_declared_error(path: str) -> None:
    with contextlib.suppress(Misuse):
        assert isinstance(parse(path), Route)


def test_an_error_is_made_anew_each_time() -> None:
    """One that is raised again and again keeps every request that it was raised in."""
    path = "alice/app/blobs/sha256:" + "x" * 1000
    assert parse(path).error is not parse(path).error
    assert parse("alice/app/manifests/1.0") is parse("alice/app/manifests/1.0")
