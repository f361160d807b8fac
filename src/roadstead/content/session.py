"""One upload session's folder, locked by one thread that may block. `upload` gives it to a request."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roadstead.content import state as states
from roadstead.content.durable import start_write_back, sync_data, write_all
from roadstead.content.failures import translated, translation
from roadstead.content.folder import data_path, hashed, lock, remove
from roadstead.content.hashing import Hasher
from roadstead.content.state import State
from roadstead.content.store import BlobStore
from roadstead.core.errors import Conflict, InvalidDigest, InvalidUpload, RoadsteadError, UnknownUpload
from roadstead.core.oci.digest import Digest

WRITE_BACK_BYTES: Final = 8 * 1024 * 1024
"""After how many bytes the kernel is told to start writing, and the state is saved within a request."""

REMEMBERED: Final = 64
"""How many hashes that cannot be kept on disk a process remembers, where it has no others."""


@dataclass(slots=True)
class Terms:
    """What the sessions of one process have in common.

    Args:
        boot_id: of this run of the machine.
        shared: whether a request's bytes are synced before their state is saved.
        remembered: running hashes by session, where they cannot be kept on disk.
    """

    boot_id: str
    shared: bool = False
    remembered: OrderedDict[str, Hasher] = field(default_factory=OrderedDict)


class Session:
    """An open and locked session. All calls block; one thread at a time makes them. Close it when done."""

    def __init__(self, folder: Path, file: int, terms: Terms, state: State, hasher: Hasher) -> None:
        self._folder = folder
        self._file = file
        self._terms = terms
        self._state = state
        self._hasher = hasher
        self._flushed = hasher.size_bytes
        self._broken = False
        self._ended = False

    @classmethod
    def create(cls, folder: Path, terms: Terms, algorithm: str) -> Session:
        """A new, empty session, which others can open once it is saved.

        Raises:
            Conflict: there is one.
        """
        state = State(algorithm=algorithm)
        hasher = Hasher.start(algorithm)
        with translated():
            try:
                folder.mkdir()
            except FileExistsError as error:
                raise Conflict(f"there is an upload session {folder.name} already") from error
            try:
                file = os.open(data_path(folder), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            except OSError:
                folder.rmdir()
                raise
            fcntl.flock(file, fcntl.LOCK_EX)
        return cls(folder, file, terms, state, hasher)

    @classmethod
    def open(cls, folder: Path, terms: Terms) -> Session | None:
        """The session at the end of the bytes that count; None while another has it open.

        Raises:
            UnknownUpload: there is none, or it has ended.
        """
        with translated():
            file = lock(folder)
            if file is None:
                return None
            try:
                state = State.load(folder)
                if state is None or state.closed:
                    raise UnknownUpload(f"there is no upload session {folder.name}")
                return cls._continued(folder, file, terms, state)
            except BaseException:
                os.close(file)
                raise

    @classmethod
    def _continued(cls, folder: Path, file: int, terms: Terms, state: State) -> Session:
        found = os.fstat(file)
        # A second name means that the store may have these very bytes: all count, whatever an older state says.
        end = found.st_size if found.st_nlink > 1 else min(found.st_size, state.offset)
        hasher = _resumed(folder.name, terms, state) if end == state.offset else None
        session = cls(folder, file, terms, state, hasher or hashed(file, state.algorithm, end))
        if found.st_size > end:
            os.ftruncate(file, end)  # a killed process wrote more and never counted it
        if hasher is None:
            session.save()
        return session

    @property
    def offset(self) -> int:
        """How many bytes count."""
        return self._hasher.size_bytes

    @property
    def is_complete(self) -> bool:
        """Whether the store may have the file under a digest: not a byte of it may change any more."""
        return bool(self._state.published) or os.fstat(self._file).st_nlink > 1

    def append(self, pieces: Sequence[bytes]) -> None:
        """Writes the next bytes, and counts them when all are written.

        After a failure it ignores what follows, which would close the gap with the wrong bytes.
        """
        if self._broken or not pieces:
            return
        if self.is_complete:
            self._broken = True
            raise InvalidUpload(
                f"the upload session {self._folder.name} is complete; it takes no more bytes",
                remedy="close it with its digest, or cancel it",
            )
        try:
            end = write_all(self._file, pieces, self.offset)
        except OSError as error:
            self._broken = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.offset)
            raise translation(error) from error
        for piece in pieces:
            self._hasher.update(piece)
        if end - self._flushed >= WRITE_BACK_BYTES:
            start_write_back(self._file, self._flushed, end - self._flushed)
            self._flushed = end
            self.save()

    def conclude(self, pieces: Sequence[bytes]) -> None:
        """Appends a request's last bytes, and saves how far the session is."""
        try:
            self.append(pieces)
        except RoadsteadError:
            with contextlib.suppress(RoadsteadError):  # the older state stands; the first failure tells more
                self.save()
            raise
        if self._terms.shared:
            with translated():
                sync_data(self._file)
        self.save(synced=self._terms.shared)

    def mark(self) -> Hasher:
        """Where the session is, for `rewind`."""
        return self._hasher.copy()

    def rewind(self, mark: Hasher) -> None:
        """Takes back what came after `mark`."""
        self._hasher = mark
        self._flushed = min(self._flushed, mark.size_bytes)
        self.save(synced=self._terms.shared)
        if not self.is_complete:
            with translated():
                os.ftruncate(self._file, self.offset)

    def verify(self, expected: Digest, store: BlobStore) -> int:
        """Syncs the bytes, checks their digest and publishes them; their size. See `Upload.verify`."""
        with translated():
            found = self._digest(expected.algorithm)
        if found != expected:
            self.cancel()
            raise InvalidDigest(f"the uploaded {self.offset} bytes have the digest {found}; expected {expected}")
        try:
            sync_data(self._file)
        except OSError as error:
            # The kernel drops pages that it could not write, and says so once: nothing of the file is known now.
            with contextlib.suppress(RoadsteadError):
                self.cancel()
            raise translation(error) from error
        published = {*self._state.published, str(expected)}
        self.save(synced=True, published=tuple(sorted(published)))
        store.publish(data_path(self._folder), expected)
        return self.offset

    def save(self, *, synced: bool = False, published: tuple[str, ...] | None = None, closed: bool = False) -> None:
        """Writes down how far the session is, and what else is known of it."""
        self._state = State(
            algorithm=self._hasher.algorithm,
            offset=self.offset,
            hash_state=self._hasher.state(),
            boot_id=states.SYNCED if synced else self._terms.boot_id,
            published=self._state.published if published is None else published,
            closed=closed,
            turn=self._state.turn + 1,
        )
        with translated():
            self._state.save(self._folder)

    def cancel(self) -> None:
        """Ends the session; what it may have published is left to a sweep."""
        if self.is_complete:
            self.save(closed=True)
        else:
            self.remove()

    def remove(self) -> None:
        """Removes the folder."""
        self._ended = True
        with translated():
            remove(self._folder)

    def close(self) -> None:
        """Lets the next request have the session."""
        if not self._ended and not self._hasher.state():
            while len(self._terms.remembered) >= REMEMBERED:
                self._terms.remembered.popitem(last=False)
            self._terms.remembered[self._folder.name] = self._hasher
        os.close(self._file)

    def _digest(self, algorithm: str) -> Digest:
        if algorithm == self._hasher.algorithm:
            return self._hasher.digest()
        return hashed(self._file, algorithm, self.offset).digest()


def _resumed(upload_id: str, terms: Terms, state: State) -> Hasher | None:
    remembered = terms.remembered.pop(upload_id, None)
    if remembered and (remembered.algorithm, remembered.size_bytes) == (state.algorithm, state.offset):
        return remembered
    if state.boot_id and state.boot_id in (terms.boot_id, states.SYNCED):
        return Hasher.resume(state.algorithm, state.hash_state, state.offset)
    return None
