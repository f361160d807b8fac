"""What the jobs need of others, as Protocols: they meet it here and never import it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from sqlalchemy.engine import Connection

from roadstead.core.oci.digest import Digest

Condition = Callable[[Connection], bool]
"""Asked inside a write transaction, before its first change."""


class ManifestRemoval(Protocol):
    """Removes manifests with their records, as a deletion by a client does."""

    async def __call__(self, repository_id: int, digest: str, is_garbage: Condition) -> bool:
        """Removes a manifest if it is there and `is_garbage` says so in the same transaction; whether it did."""


class Sessions(Protocol):
    """The bytes of upload sessions; see `roadstead.content.uploads.Uploads`."""

    async def offset(self, upload_id: str) -> int:
        """How many bytes a session holds; raises `UnknownUpload` where there is none."""

    def idle(self, before_ms: int) -> Iterator[str]:
        """The sessions with no activity since then."""

    def sweep(self, upload_id: str, is_known: Callable[[Digest], bool]) -> bool:
        """Ends an idle session inside a write transaction; False if a request has it open."""


Progress = Callable[[int, int | None, str], None]
"""Is told how far a job is: `done`, of how many (None: nobody knows), of what it does just now."""


def unwatched(_done: int, _whole: int | None, _what: str) -> None:
    """A `Progress` that tells nobody."""
