"""Manifests: what is read from one, and what is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.errors import InvalidManifest
from roadstead.core.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    MAX_DEPTH,
    MAX_DESCRIPTORS,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    parse,
)

CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "a" * 64, "size": 2}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": "sha256:" + "b" * 64, "size": 10}
FOREIGN = {
    "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "digest": "sha256:" + "c" * 64,
    "size": 99,
    "urls": ["https://example.com/layer"],
}
IMAGE: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_INDEX,
    "manifests": [
        {
            "mediaType": OCI_MANIFEST,
            "digest": "sha256:" + "d" * 64,
            "size": 7,
            "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
        }
    ],
}


def read(fields: dict[str, Any], content_type: str | None = None) -> Manifest:
    return parse(json.dumps(fields).encode(), content_type)


def test_an_image() -> None:
    image = read(IMAGE, OCI_MANIFEST)
    assert [str(blob.digest) for blob in image.blobs] == [CONFIG["digest"], LAYER["digest"]]
    assert (image.total_bytes, image.is_index, image.subject) == (12, False, None)


def test_an_index_names_its_children_and_their_platforms() -> None:
    index = read(INDEX, OCI_INDEX)
    assert index.is_index
    assert not index.blobs
    assert index.manifests[0].platform == "linux/arm64/v8"


def test_foreign_layers_are_never_asked_for() -> None:
    image = read(IMAGE | {"layers": [LAYER, FOREIGN]})
    assert len(image.layers) == 2
    assert FOREIGN["digest"] not in {str(blob.digest) for blob in image.blobs}
    assert image.total_bytes == 12


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (IMAGE, CONFIG["mediaType"]),
        (IMAGE | {"artifactType": "application/x"}, "application/x"),
        (INDEX, None),
        (INDEX | {"artifactType": "application/x"}, "application/x"),
    ],
)
def test_an_image_without_an_artifact_type_has_that_of_its_config(fields: dict[str, Any], expected: str) -> None:
    assert read(fields).artifact_type == expected


def test_docker_schema_2_is_read_by_its_own_types() -> None:
    assert read(IMAGE | {"mediaType": DOCKER_MANIFEST}, DOCKER_MANIFEST).media_type == DOCKER_MANIFEST
    assert read(INDEX | {"mediaType": DOCKER_INDEX}, DOCKER_INDEX).is_index


def test_a_manifest_without_a_media_type_has_that_of_its_request() -> None:
    bare = {key: value for key, value in IMAGE.items() if key != "mediaType"}
    assert read(bare, OCI_MANIFEST).media_type == OCI_MANIFEST
    assert read(bare, None).media_type == OCI_MANIFEST


@pytest.mark.parametrize(
    ("fields", "content_type"),
    [
        (IMAGE, OCI_INDEX),
        (IMAGE | {"mediaType": "application/json"}, None),
        (IMAGE | {"mediaType": OCI_INDEX}, OCI_INDEX),
        (INDEX | {"mediaType": OCI_MANIFEST}, OCI_MANIFEST),
        (IMAGE | {"manifests": INDEX["manifests"]}, OCI_MANIFEST),
        (INDEX | {"layers": [LAYER]}, OCI_INDEX),
        (IMAGE | {"schemaVersion": 1}, None),
        (IMAGE | {"schemaVersion": "2"}, None),
        (IMAGE | {"config": None}, None),
        (IMAGE | {"config": CONFIG | {"size": -1}}, None),
        (IMAGE | {"config": CONFIG | {"digest": "sha256:short"}}, None),
        (IMAGE | {"layers": LAYER}, None),
        (IMAGE | {"layers": [LAYER] * (MAX_DESCRIPTORS + 1)}, None),
        (IMAGE | {"annotations": {"a": 1}}, None),
    ],
)
def test_what_is_not_of_its_types_form_is_refused(fields: dict[str, Any], content_type: str | None) -> None:
    with pytest.raises(InvalidManifest):
        read(fields, content_type)


@pytest.mark.parametrize(
    "fields",
    [
        {"config": CONFIG | {"size": 2**63 - 1}, "layers": [LAYER | {"size": 2**63 - 1}]},
        {"artifactType": "a\0b"},
        {"artifactType": "\ud800"},
        {"config": CONFIG | {"mediaType": "a\nb"}},
    ],
)
def test_what_no_database_can_keep_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidManifest):
        parse(json.dumps({**IMAGE, **fields}).encode(), None)


def test_duplicate_keys_are_refused_at_any_depth() -> None:
    body = json.dumps(IMAGE).replace('"size": 2', '"size": 2, "size": 3').encode()
    with pytest.raises(InvalidManifest, match="duplicate keys"):
        parse(body, None)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 5_000, 200_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    body = json.dumps(IMAGE)[:-1] + ', "x": ' + "[" * levels + "]" * levels + "}"
    with pytest.raises(InvalidManifest):
        parse(body.encode(), None)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_one_declared_error(body: bytes) -> None:
    with pytest.raises(InvalidManifest):
        parse(body, OCI_MANIFEST)
