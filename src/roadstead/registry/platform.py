"""The platform of an image, as its config says it (OCI image-spec v1.1, config.md)."""

from __future__ import annotations

import json
from typing import Final

from roadstead.content.store import BlobStore
from roadstead.core.errors import CorruptContent, UnknownBlob
from roadstead.core.oci.descriptor import Descriptor

CONFIG_BYTES: Final = 1024 * 1024
"""Up to this size a config is read."""

CONFIGS: Final = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
"""The media types of configs that name a platform."""


async def platform_of(store: BlobStore, config: Descriptor | None) -> str | None:
    """`os/architecture[/variant]`; None where no config says it."""
    if config is None or config.size_bytes > CONFIG_BYTES or config.media_type not in CONFIGS:
        return None
    try:
        async with store.open(config.digest) as content:
            # A manifest may lie about the size, and the blob be of gigabytes.
            if content.size_bytes > CONFIG_BYTES:
                return None
            fields = json.loads(b"".join([piece async for piece in content.read()]))
    except (UnknownBlob, CorruptContent, ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    parts = [fields.get(name) for name in ("os", "architecture", "variant")]
    # JSON can spell what no database keeps: a NUL, half a character.
    spelled = "/".join(part for part in parts if isinstance(part, str) and part)
    return spelled if spelled and spelled.isprintable() else None
