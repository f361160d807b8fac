"""Adopting the folder of a distribution registry: its repositories, tags, manifests and blobs, for one account.

Nothing is believed: each blob is hashed before it is published, and each manifest goes the way of a push. What cannot
be taken is reported and left out. All of it can be done again: what is there already is not done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Connection

from roadstead.content.adopting import Staged, Way, stage, staging
from roadstead.content.distribution import Distribution
from roadstead.content.store import BlobStore
from roadstead.core.access.account import Account
from roadstead.core.errors import (
    CorruptContent,
    InvalidName,
    ManifestTooLarge,
    Misbehaviour,
    Misuse,
    RoadsteadError,
    UnknownManifest,
)
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import Manifest, parse
from roadstead.core.oci.reference import RepositoryName, Tag
from roadstead.index import links, manifests, repositories
from roadstead.index.database import Database, touch
from roadstead.index.repositories import RepositoryRow
from roadstead.registry.changes import Pushed
from roadstead.registry.pushing import Pushing
from roadstead.registry.target import PushLimits

TAGS_AT_ONCE: Final = 50
"""Tags that one commit sets."""

Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not adopted."""

    repository: str
    subject: str
    reason: str


@dataclass(slots=True)
class Report:
    """What was adopted; `links` are the blobs that repositories got the right to, `blobs` those that are new here."""

    is_forecast: bool
    repositories: int = 0
    manifests: int = 0
    tags: int = 0
    links: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Revision:
    digest: Digest
    body: bytes
    manifest: Manifest


class Adoption:
    """Adopts folders into one store.

    Args:
        storage: the folder with the blobs.
        push: puts manifests and tags.
        clock_ms: milliseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        storage: Path,
        push: Pushing,
        limits: PushLimits,
        clock_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._store = store
        self._storage = storage
        self._push = push
        self._limits = limits
        self._clock_ms = clock_ms

    def forecast(self, source: Distribution, account: Account) -> Report:
        """What there is to adopt, by the names of files alone: nothing is read, verified or changed."""
        report, seen = Report(is_forecast=True), set[Digest]()
        for name, path in named(source, account.name):
            if _problem(account, path) is None:
                report.repositories += 1
                report.manifests += sum(1 for _ in source.revisions(name))
                report.tags += len(source.tags(name))
                layers = set(source.layers(name))
                report.links += len(layers)
                seen |= layers
        for digest in seen:
            try:
                report.blob_bytes += source.blob(digest).stat().st_size
            except OSError as error:
                report.problems.append(Problem("", str(digest), f"its file cannot be read: {error.strerror}"))
            else:
                report.blobs += 1
        return report

    async def run(self, source: Distribution, account: Account, way: Way, progress: Progress) -> Report:
        """Adopts everything.

        Raises:
            StorageFull, Unavailable: the disk or the database fails; what was done until then stays done.
        """
        report = Report(is_forecast=False)
        with staging(self._storage) as folder:
            for name, path in named(source, account.name):
                problem = _problem(account, path)
                if problem is not None:
                    report.problems.append(Problem(name, name, problem))
                    continue
                one = _Repository(self, source, name, folder, way, report, progress)
                await one.adopt(account, path)
                report.repositories += 1
        return report

    async def ensure(self, account: Account, path: str) -> RepositoryRow:
        """The repository at a path of the account, made if it is not there."""

        def work(connection: Connection) -> RepositoryRow:
            return repositories.create(connection, account.id, path, self._limits.visibility, self._clock_ms())

        return await self._database.write(work)

    async def size_of(self, digest: Digest) -> int | None:
        """The size of a blob that is here already, sound as far as is known."""
        size_bytes = await self._database.read(lambda connection: links.sound(connection, str(digest)))
        return size_bytes if size_bytes is not None and self._store.stat(digest) == size_bytes else None

    async def link(self, repository: RepositoryRow, digest: Digest) -> None:
        """Gives the repository the right to a blob that is here."""
        at_ms = self._clock_ms()

        def work(connection: Connection) -> None:
            links.link(connection, repository.id, str(digest), at_ms)
            touch(connection, repository.id)

        await self._database.write(work)

    async def publish(self, repository: RepositoryRow, digest: Digest, staged: Staged) -> None:
        """Puts a verified file into the store, and gives the repository the right to it."""
        self._store.publish(staged.path, digest)
        at_ms = self._clock_ms()

        def work(connection: Connection) -> None:
            links.put_blob(connection, str(digest), staged.size_bytes, at_ms, origin="adopted")
            # A garbage collection may have come in between; from here on the row keeps it out.
            if self._store.stat(digest) != staged.size_bytes:
                self._store.publish(staged.path, digest)
            links.link(connection, repository.id, str(digest), at_ms)
            touch(connection, repository.id)

        await self._database.write(work)

    async def put(self, repository: RepositoryRow, revision: _Revision, tags: Sequence[Tag]) -> bool:
        """Pushes a manifest with its tags; False if all of it was there."""

        def is_there(connection: Connection) -> bool:
            if manifests.stored(connection, repository.id, str(revision.digest)) is None:
                return False
            return {tag.name for tag in tags} <= set(manifests.tags_of(connection, repository.id, str(revision.digest)))

        if await self._database.read(is_there):
            return False
        for start in range(0, max(len(tags), 1), TAGS_AT_ONCE):
            some = tuple(tags[start : start + TAGS_AT_ONCE])
            await self._push.push(repository, Pushed(revision.manifest, revision.digest, revision.body, some))
        return True

    @property
    def manifest_limit_bytes(self) -> int:
        """The largest manifest that is taken."""
        return self._limits.manifest_bytes


class _Repository:
    """One repository on its way in."""

    def __init__(
        self,
        adoption: Adoption,
        source: Distribution,
        name: str,
        folder: Path,
        way: Way,
        report: Report,
        progress: Progress,
    ) -> None:
        self._adoption = adoption
        self._source = source
        self._name = name
        self._folder = folder
        self._way = way
        self._report = report
        self._progress = progress

    async def adopt(self, account: Account, path: str) -> None:
        row = await self._adoption.ensure(account, path)
        for digest in self._source.layers(self._name):
            try:
                await self._blob(row, digest)
            except (Misuse, Misbehaviour) as error:
                self._skip(str(digest), error)
        tags = self._tags()
        for revision in _children_first(self._revisions()):
            named = tags.pop(revision.digest, [])
            try:
                if await self._adoption.put(row, revision, named):
                    self._report.manifests += 1
                    self._report.tags += len(named)
            except (Misuse, Misbehaviour) as error:
                self._skip(str(revision.digest), error)
        for digest, left in tags.items():
            for tag in left:
                self._skip(tag.name, UnknownManifest(f"it names {digest}, which was not adopted"))

    async def _blob(self, row: RepositoryRow, digest: Digest) -> None:
        self._progress(self._report.blob_bytes, None, self._name)
        if await self._adoption.size_of(digest) is not None:
            await self._adoption.link(row, digest)
        else:
            done = self._report.blob_bytes

            def tell(count: int) -> None:
                nonlocal done
                done += count
                self._progress(done, None, self._name)

            with stage(self._source.blob(digest), digest, self._folder, self._way, tell) as staged:
                await self._adoption.publish(row, digest, staged)
            self._report.blobs += 1
            self._report.blob_bytes += staged.size_bytes
        self._report.links += 1

    def _revisions(self) -> Iterator[_Revision]:
        for digest in self._source.revisions(self._name):
            try:
                body = self._body(digest)
                yield _Revision(digest, body, parse(body, None))
            except (Misuse, Misbehaviour) as error:
                self._skip(str(digest), error)

    def _body(self, digest: Digest) -> bytes:
        limit = self._adoption.manifest_limit_bytes
        try:
            with self._source.blob(digest).open("rb") as file:
                body = file.read(limit + 1)
        except OSError as error:
            raise CorruptContent(f"its file cannot be read: {error.strerror}") from error
        if len(body) > limit:
            raise ManifestTooLarge(f"the manifest is larger than the {limit} bytes allowed")
        if Digest.of(body, digest.algorithm) != digest:
            raise CorruptContent("its file has another digest")
        return body

    def _tags(self) -> dict[Digest, list[Tag]]:
        found: dict[Digest, list[Tag]] = {}
        for name, digest in self._source.tags(self._name).items():
            try:
                found.setdefault(digest, []).append(Tag.parse(name))
            except InvalidName as error:
                self._skip(name, error)
        return found

    def _skip(self, subject: str, error: RoadsteadError) -> None:
        self._report.problems.append(Problem(self._name, subject, error.message))


def named(source: Distribution, account: str) -> Iterator[tuple[str, str]]:
    """Each repository's name there, and its path here.

    Names that begin with the account's own lose that, unless another repository has what is left for its name.
    """
    names = list(source.repositories())
    taken = set(names)
    for name in names:
        first, slash, rest = name.partition("/")
        yield name, rest if slash and first == account and rest not in taken else name


def _problem(account: Account, path: str) -> str | None:
    """Why a repository cannot have this path."""
    try:
        RepositoryName.parse(f"{account.name}/{path}")
    except InvalidName as error:
        return error.message
    return None


def _children_first(revisions: Iterator[_Revision]) -> Iterator[_Revision]:
    """The revisions in an order in which each index comes after what it names."""
    left = {revision.digest: revision for revision in revisions}
    while left:
        # Digests cannot form a circle, so in each round something names nothing that is still to come.
        ready = [
            revision
            for revision in left.values()
            if not any(child.digest in left for child in revision.manifest.manifests)
        ]
        for revision in ready:
            del left[revision.digest]
            yield revision
