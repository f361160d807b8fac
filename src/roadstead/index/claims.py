"""Rows of claims: content that was promised to somebody, and that garbage collection leaves alone until then."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import Connection

from roadstead.index.dialects import Put
from roadstead.index.tables import claims

_PUT: Final = Put(claims, key=("digest", "claimant"), fresh=("until_ms",))


def claim_manifest(connection: Connection, repository_id: int, digest: str, until_ms: int) -> None:
    """Keeps a manifest without a tag: a client was told that it is here, and may be about to name it in an index."""
    _PUT(connection, {"digest": digest, "claimant": f"repository:{repository_id}", "until_ms": until_ms})
