"""Clients that push, tag, mount, continue and delete at random in one account, and write down what they were told.

Each pusher has a repository of its own, in which nobody else changes anything, and all push into one that they share,
from which nobody deletes. Their contents are few, so that the same bytes are always on many ways at once.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from tests.conformance.client import Client, shown
from tests.conformance.content import CONFIG, Blob, Manifest, image, noise
from tests.fault.ledger import Key, Ledger
from tests.rig.server import Account, Server

Act: TypeAlias = Callable[[], None]

ACCOUNT = "alice"
SHARED = f"{ACCOUNT}/shared"
TAGS = ("a", "b", "c")

_SIZES = (1, 900, 5_000, 40_000, 70_000, 300_000)
POOL = [Blob(noise(size + seed, seed=seed), algorithm=("sha256", "sha512")[seed % 5 == 4]) for seed in range(3)
        for size in _SIZES] + [Blob(noise(9_000_000, seed=99))]  # fmt: skip
"""More than 64 KiB is sent as a file, more than 8 MiB saves its state on the way."""

BLOBS: Mapping[str, Blob] = {blob.digest: blob for blob in (*POOL, CONFIG)}
IMAGES: Mapping[str, Manifest] = {
    made.digest: made
    for seed in range(12)
    for layers in [random.Random(seed).sample(POOL, 1 + seed % 3)]
    for made in [image(*layers, annotations={"n": str(seed)})]
}


class Interrupted(Exception):
    """The connection broke: whether the request was carried out is not known."""


class Misled(Exception):
    """The server answered what it must not, killed or not."""


@dataclass
class Pending:
    """An upload whose closing request has not been acknowledged."""

    session: httpx.URL
    blob: Blob
    acknowledged: int = 0
    is_closing: bool = False


class Pause:
    """Acts of several pushers go on side by side; somebody else has moments between all of them."""

    def __init__(self) -> None:
        self._acting = 0
        self._is_wanted = False
        self._changed = threading.Condition()

    @contextmanager
    def act(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_wanted)
            self._acting += 1
        try:
            yield
        finally:
            with self._changed:
                self._acting -= 1
                self._changed.notify_all()

    @contextmanager
    def between(self) -> Iterator[None]:
        """No act goes on during the block."""
        with self._changed:
            self._is_wanted = True
            self._changed.wait_for(lambda: self._acting == 0)
            try:
                yield
            finally:
                self._is_wanted = False
                self._changed.notify_all()


class Count:
    """Acts of all pushers, so that somebody can wait for one of them to begin."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def add(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, further: int, over: Callable[[], bool]) -> None:
        """Returns at the beginning of so many further acts, or when `over()` holds."""
        with self._changed:
            target = self._count + further
            while self._count < target and not over():
                self._changed.wait(0.5)


@dataclass
class Pusher:
    """One client."""

    server: Server
    account: Account
    ledger: Ledger
    number: int
    seed: int
    count: Count
    pause: Pause = field(default_factory=Pause)
    pending: list[Pending] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository = f"{ACCOUNT}/own-{self.number}"
        self._random = random.Random(self.seed)
        self._client = Client(self.server.url, (self.account.name, self.account.password))

    def close(self) -> None:
        self._client.http.close()

    def run(self, over: threading.Event) -> None:
        """Act until `over`. A broken connection is no reason to stop: another worker may answer.

        Raises:
            Misled: an answer was wrong.
        """
        while not over.is_set():
            self.count.add()
            try:
                with self.pause.act():
                    self._chosen()()
            except Interrupted:
                continue

    def _chosen(self) -> Act:
        acts: list[tuple[Act, int]] = [
            (self._push_image, 8),
            (self._push_shared, 5),
            (self._push_blob, 3),
            (self._continue, 4),
            (self._mount_image, 4),
            (self._delete_tag, 2),
            (self._delete_manifest, 3),
            (self._delete_blob, 2),
        ]
        return self._random.choices([act for act, _ in acts], [weight for _, weight in acts])[0]

    # --- acts --------------------------------------------------------------------------------------------

    def _push_image(self) -> None:
        """With one tag in the path, or several in the query."""
        chosen = self._random.choice(list(IMAGES.values()))
        tags = self._random.sample(TAGS, self._random.randrange(3))
        self._with_blobs(self.repository, chosen)
        reference, query = chosen.digest, "&".join(f"tag={tag}" for tag in tags)
        if len(tags) == 1 and self._random.random() < 0.5:
            reference, query = tags[0], ""
        keys = [Key("tag", self.repository, tag) for tag in tags]
        manifest = Key("manifest", self.repository, chosen.digest)
        for key in (*keys, manifest):
            self.ledger.may(key, chosen.digest)
        self._put_manifest(self.repository, chosen, f"{reference}?{query}")
        for key in (*keys, manifest):
            self.ledger.did(key, chosen.digest)

    def _push_shared(self) -> None:
        """All move the same tags."""
        chosen = self._random.choice(list(IMAGES.values()))
        self._with_blobs(SHARED, chosen)
        tag = Key("tag", SHARED, self._random.choice(TAGS))
        manifest = Key("manifest", SHARED, chosen.digest)
        for key in (tag, manifest):
            self.ledger.may(key, chosen.digest)
        self._put_manifest(SHARED, chosen, tag.name)
        for key in (tag, manifest):
            self.ledger.is_there(key)

    def _push_blob(self) -> None:
        self._upload(self.repository, self._random.choice(POOL))

    def _continue(self) -> None:
        """Go on with an upload that was interrupted: ask where it is, send the rest, close it."""
        if not self.pending:
            return
        pending = self.pending.pop(self._random.randrange(len(self.pending)))
        try:
            self._resume(pending)
        except Interrupted:
            self.pending.append(pending)
            raise

    def _mount_image(self) -> None:
        """What the shared repository has is mounted from there, the rest pushed; then the manifest names it."""
        chosen = self._random.choice(list(IMAGES.values()))
        for part in chosen.needs:
            assert isinstance(part, Blob)
            if not self._mount(part):
                self._upload(self.repository, part)
        manifest = Key("manifest", self.repository, chosen.digest)
        self.ledger.may(manifest, chosen.digest)
        self._put_manifest(self.repository, chosen, chosen.digest)
        self.ledger.did(manifest, chosen.digest)

    def _delete_tag(self) -> None:
        key = Key("tag", self.repository, self._random.choice(TAGS))
        self.ledger.may(key, None)
        self._ask("DELETE", f"/v2/{self.repository}/manifests/{key.name}", *self._deletion(key))
        self.ledger.did(key, None)

    def _delete_manifest(self) -> None:
        """And with it the tags that point at it."""
        keys = [key for key in self.ledger.keys("manifest", self.repository) if self.ledger.may_be_there(key)]
        if not keys:
            return
        key = self._random.choice(keys)
        tags = [tag for tag in self.ledger.keys("tag", self.repository) if key.name in self.ledger.possible(tag)]
        for one in (key, *tags):
            self.ledger.may(one, None)
        self._ask("DELETE", f"/v2/{self.repository}/manifests/{key.name}", *self._deletion(key))
        self.ledger.did(key, None)
        for tag in tags:
            left = self.ledger.possible(tag) - {key.name}
            self.ledger.did(tag, None)
            for value in left:
                self.ledger.may(tag, value)

    def _delete_blob(self) -> None:
        """One that no manifest needs."""
        needed = {
            part.digest
            for key in self.ledger.keys("manifest", self.repository)
            if self.ledger.may_be_there(key)
            for part in IMAGES[key.name].needs
        }
        keys = [key for key in self.ledger.keys("blob", self.repository) if key.name not in needed]
        if not keys:
            return
        key = self._random.choice(keys)
        self.ledger.may(key, None)
        self._ask("DELETE", f"/v2/{self.repository}/blobs/{key.name}", *self._deletion(key))
        self.ledger.did(key, None)

    # --- parts of acts -----------------------------------------------------------------------------------

    def _with_blobs(self, repository: str, manifest: Manifest) -> None:
        """As clients do: HEAD, and push what is missing."""
        for part in manifest.needs:
            assert isinstance(part, Blob)
            key = Key("blob", repository, part.digest)
            allowed = {200 if value else 404 for value in self.ledger.possible(key)}
            if repository == SHARED:
                allowed.add(200)
            found = self._ask("HEAD", f"/v2/{repository}/blobs/{part.digest}", *allowed)
            if found.status_code == 404:
                self._upload(repository, part)

    def _mount(self, blob: Blob) -> bool:
        """Whether the shared repository had it. Nobody deletes from there."""
        key = Key("blob", self.repository, blob.digest)
        self.ledger.may(key, blob.digest)
        expected = {201 if value else 202 for value in self.ledger.possible(Key("blob", SHARED, blob.digest))}
        # Another pusher may just have brought it there.
        answer = self._ask(
            "POST", f"/v2/{self.repository}/blobs/uploads/?mount={blob.digest}&from={SHARED}", 201, *expected
        )
        if answer.status_code == 202:
            self._ask("DELETE", answer.headers["location"], 204)
            return False
        self.ledger.did(key, blob.digest)
        return True

    def _upload(self, repository: str, blob: Blob) -> None:
        key = Key("blob", repository, blob.digest)
        path = f"/v2/{repository}/blobs/uploads/"
        if self._random.random() < 0.3:
            self.ledger.may(key, blob.digest)
            self._ask("POST", f"{path}?digest={blob.digest}", 201, content=blob.data)
        else:
            algorithm = f"?digest-algorithm={blob.algorithm}" if self._random.random() < 0.5 else ""
            location = self._ask("POST", path + algorithm, 202).headers["location"]
            pending = Pending(self._client.http.base_url.join(location), blob)
            try:
                self._send(pending, 0)
            except Interrupted:
                if repository == self.repository:
                    self.pending.append(pending)
                raise
        if repository == SHARED:
            self.ledger.is_there(key)
        else:
            self.ledger.did(key, blob.digest)

    def _resume(self, pending: Pending) -> None:
        key = Key("blob", self.repository, pending.blob.digest)
        # A closing request that got no answer may have been carried out.
        found = self._ask("GET", str(pending.session), 204, *((404,) if pending.is_closing else ()))
        if found.status_code == 404:
            return
        last = int(found.headers["range"].partition("-")[2])
        offset = last + 1 if last else 0
        if offset < pending.acknowledged:
            raise Misled(f"{pending.acknowledged} bytes were acknowledged:\n{shown(found)}")
        self._send(pending, offset)
        self.ledger.did(key, pending.blob.digest)

    def _send(self, pending: Pending, offset: int) -> None:
        """The rest of an upload: at once, or in chunks."""
        blob, session = pending.blob, pending.session
        chunks = self._random.choice([1, 1, 3])
        step = max(1, -(-(blob.size - offset) // chunks))
        while blob.size - offset > step:
            chunk = blob.data[offset : offset + step]
            headers = {"content-range": f"{offset}-{offset + len(chunk) - 1}"}
            self._ask("PATCH", str(session), 202, content=chunk, headers=headers)
            offset += len(chunk)
            pending.acknowledged = offset
        repository = session.path.removeprefix("/v2/").partition("/blobs/")[0]
        self.ledger.may(Key("blob", repository, blob.digest), blob.digest)
        pending.is_closing = True
        closing = session.copy_merge_params({"digest": blob.digest})
        self._ask("PUT", str(closing), 201, content=blob.data[offset:])

    def _put_manifest(self, repository: str, manifest: Manifest, reference: str) -> None:
        headers = {"content-type": manifest.media_type}
        self._ask("PUT", f"/v2/{repository}/manifests/{reference}", 201, content=manifest.data, headers=headers)

    def _deletion(self, key: Key) -> Sequence[int]:
        """What may be answered to a DELETE."""
        return [202 if value else 404 for value in self.ledger.possible(key)]

    def _ask(self, method: str, target: str, *expected: int, **more: Any) -> httpx.Response:
        """One request.

        Raises:
            Interrupted: no answer came.
            Misled: another status came than those expected.
        """
        try:
            answer = self._client.request(method, target, **more)
        except httpx.TransportError as error:
            raise Interrupted(f"{method} {target}: {error!r}") from error
        if answer.status_code not in expected:
            raise Misled(f"expected {expected}:\n{shown(answer)}")
        return answer
