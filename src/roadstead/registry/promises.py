"""What a HEAD promises: that the content is still here when the push that asked comes to name it.

A push asks for blobs and manifests, leaves out what is there, and names it in a manifest later. So a HEAD begins the
grace of what it found anew: a blob's link is renewed, and where manifests without a tag expire, a manifest is claimed.
Both at most once in a while for each, so that a HEAD is no write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.core.errors import UnknownBlob, UnknownManifest
from roadstead.core.oci.digest import Digest
from roadstead.index import links, manifests
from roadstead.index.claims import claim_manifest
from roadstead.index.database import Database, touch
from roadstead.index.manifests import StoredManifest
from roadstead.registry.views import RepositoryView

HOUR_MS: Final = 3600 * 1000

CLAIMS: Final = 10_000
"""Claims that a worker remembers to have made; a forgotten one is made again."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long a promise holds.

    Args:
        grace_ms: for how long garbage collection leaves alone what nothing needs.
        untagged: whether manifests without a tag expire.
    """

    grace_ms: int
    untagged: bool

    @property
    def renew_ms(self) -> int:
        """How long a promise is not made again: at most half of its own time."""
        return min(HOUR_MS, self.grace_ms // 2)

    @property
    def untagged_claim_ms(self) -> int:
        """For how long a manifest that was pushed or seen is kept without a tag; 0 where they never expire."""
        return self.grace_ms if self.untagged else 0


class Promises:
    """Makes promises, and remembers which it has made.

    Args:
        clock_ms: milliseconds since 1970.
    """

    def __init__(self, database: Database, terms: Terms, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._terms = terms
        self._clock_ms = clock_ms
        self._claimed: dict[tuple[int, str], int] = {}

    async def blob(self, view: RepositoryView, digest: Digest) -> None:
        """Keeps a blob's link.

        Raises:
            UnknownBlob: it was collected since it was looked up.
        """
        key, now_ms = str(digest), self._clock_ms()
        seen = view.blobs.get(key)
        if view.row is None or view.is_stale or seen is None or now_ms - seen.seen_at_ms < self._terms.renew_ms:
            return
        repository_id = view.row.id

        def work(connection: Connection) -> bool:
            touch(connection, repository_id)
            return links.renew(connection, repository_id, key, now_ms)

        if not await self._database.write(work):
            raise UnknownBlob(f"{view.rights.name} has no blob {key}")

    async def manifest(self, view: RepositoryView, found: StoredManifest) -> None:
        """Keeps a manifest, where those without a tag expire.

        Raises:
            UnknownManifest: it was collected since it was looked up.
        """
        if not self._terms.untagged or view.row is None or view.is_stale:
            return
        repository_id, now_ms = view.row.id, self._clock_ms()
        key = (repository_id, found.digest)
        if now_ms - self._claimed.get(key, 0) < self._terms.renew_ms:
            return

        def work(connection: Connection) -> bool:
            claim_manifest(connection, repository_id, found.digest, now_ms + self._terms.grace_ms)
            return not manifests.missing(connection, repository_id, [found.digest])

        if not await self._database.write(work):
            raise UnknownManifest(f"{view.rights.name} has no manifest {found.digest}")
        if len(self._claimed) >= CLAIMS:
            self._claimed.clear()
        self._claimed[key] = now_ms
