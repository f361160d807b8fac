"""Manifests on their way into a repository's records, whoever brings them: a client, an adoption.

What a manifest names has to be there first: every blob by a link of the repository, every child by its manifest. The
check, the records, the signed commit over them and the index are one change of one record store; a change that finds
the repository moved to the other store meanwhile (`repo publish`, `repo hide`) starts anew there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from roadstead.content.store import BlobStore
from roadstead.core.errors import Conflict
from roadstead.core.oci.descriptor import Descriptor
from roadstead.index.clock import now_ms
from roadstead.index.manifests import ManifestRow
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.changes import HoldIdentity, Moved, Pushed, PutManifest, Removal
from roadstead.registry.platform import platform_of
from roadstead.registry.ports import Change, RecordStore

ATTEMPTS: Final = 3
"""How often a change starts anew when its repository is published or hidden under it."""

PLATFORMS: Final = 1024
"""Configs whose platform is remembered."""

Stores = Mapping[str, RecordStore]
"""The record store of each visibility."""


class Pushing:
    """Puts and removes manifests and tags.

    Args:
        hold: asked at each push, as `roadstead rehost` may change it.
        untagged_claim_ms: for how long what is pushed is kept without a tag; 0 where that never expires.
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        store: BlobStore,
        stores: Stores,
        hold: Callable[[], HoldIdentity],
        *,
        untagged_claim_ms: int = 0,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._stores = stores
        self._hold = hold
        self._untagged_claim_ms = untagged_claim_ms
        self._clock_ms = clock_ms
        self._platforms: dict[tuple[str, str], str] = {}

    async def push(self, repository: RepositoryRow, pushed: Pushed) -> None:
        """Puts a manifest and its tags into a repository.

        Raises:
            UnknownManifestBlob: the repository lacks something that the manifest names.
        """
        platform = await self._platform(pushed.manifest.config)
        row = ManifestRow.of(pushed.manifest, pushed.digest, pushed.body, platform, self._clock_ms())
        hold, claim_ms = self._hold(), self._untagged_claim_ms
        await commit_where_it_is(
            self._stores,
            repository,
            lambda current, store: PutManifest(current, store, pushed, row, hold, claim_ms),
        )

    async def _platform(self, config: Descriptor | None) -> str | None:
        """`platform_of`, remembered: a config's bytes never change, and its image is often pushed again."""
        if config is None:
            return None
        key = (str(config.digest), config.media_type)
        known = self._platforms.get(key)
        if known is None and (known := await platform_of(self._store, config)) is not None:
            if len(self._platforms) >= PLATFORMS:
                self._platforms.clear()
            self._platforms[key] = known
        return known

    async def remove(self, repository: RepositoryRow, reference: str, *, is_tag: bool) -> None:
        """Removes a tag, or a manifest with its tags, records and all.

        Raises:
            UnknownManifest: there is none.
        """
        await commit_where_it_is(
            self._stores, repository, lambda current, store: Removal(current, store, reference, is_tag)
        )


async def commit_where_it_is(
    stores: Stores,
    repository: RepositoryRow,
    change: Callable[[RepositoryRow, RecordStore], PutManifest | Removal],
) -> None:
    """Commits a change to the store where the repository's records are at the moment of the commit.

    Raises:
        Conflict: the repository is published or hidden again and again meanwhile.
    """
    current = repository
    for _ in range(ATTEMPTS):
        store = stores[current.visibility]
        step = change(current, store)
        try:
            await store.commit(Change(current.account_id, step.prepare, step.index))
        except Moved as moved:
            current = moved.row
        else:
            return
    raise Conflict(f"{repository.name} is being published or hidden", remedy="try again")
