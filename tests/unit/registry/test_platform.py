"""The platform that an image's config names."""

import asyncio
import json
from pathlib import Path

import pytest

from roadstead.content.disk import DiskStore
from roadstead.core.oci.descriptor import Descriptor
from roadstead.core.oci.digest import Digest
from roadstead.registry.platform import platform_of

CONFIG = "application/vnd.oci.image.config.v1+json"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
        ({}, None),
        ({"os": "linux\0", "architecture": "amd64"}, None),
        ({"os": "\ud800", "architecture": "amd64"}, None),
    ],
)
def test_a_platform_is_text_that_a_database_keeps(tmp_path: Path, fields: dict[str, str], expected: str | None) -> None:
    body = json.dumps(fields).encode()
    store, digest = DiskStore(tmp_path), Digest.of(body)
    file = store.path(digest)
    assert file is not None
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    config = Descriptor(CONFIG, digest, len(body))
    assert asyncio.run(platform_of(store, config)) == expected
