"""Sessions under any sequence of requests, kills, reboots, sweeps and collections, against a model of a few lines."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from roadstead.content.upload import Verified
from roadstead.core.errors import InvalidDigest, InvalidUpload, UnknownUpload
from roadstead.core.oci.digest import HEX_LENGTHS, Digest
from tests.rig.hold import ClientGone, Hold

algorithms = st.sampled_from(sorted(HEX_LENGTHS))
contents = st.binary(max_size=300)
pieces = st.integers(1, 400)


class Sessions(RuleBasedStateMachine):
    """`bytes_of`: what each open session holds; `complete`: those that were verified; `known`: what the index has."""

    sessions = Bundle("sessions")
    verified = Bundle("verified")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.boots = 0
        self.hold = Hold(self.folder, boot="0", wait_s=0)
        self.bytes_of: dict[str, bytes] = {}
        self.complete: set[str] = set()
        self.known: set[Digest] = set()
        self.count = 0

    def teardown(self) -> None:
        self.hold.close()
        shutil.rmtree(self.folder)

    @rule(target=sessions, algorithm=algorithms)
    def create(self, algorithm: str) -> str:
        self.count += 1
        self.hold.create(f"s{self.count}", algorithm)
        self.bytes_of[f"s{self.count}"] = b""
        return f"s{self.count}"

    @rule(session=sessions, data=contents, pieces_of=pieces, gone=st.booleans())
    def receive(self, session: str, data: bytes, pieces_of: int, gone: bool) -> None:
        if session not in self.bytes_of:
            with pytest.raises(UnknownUpload):
                self.hold.receive(session, data)
        elif session in self.complete and data:
            with pytest.raises((InvalidUpload, ClientGone)):
                self.hold.receive(session, data, pieces_of=pieces_of, gone=gone)
        else:
            if gone:
                with pytest.raises(ClientGone):
                    self.hold.receive(session, data, pieces_of=pieces_of, gone=True)
            else:
                self.hold.receive(session, data, pieces_of=pieces_of)
            self.bytes_of[session] += data

    @rule(session=sessions, data=contents, off_by=st.sampled_from([-1, 1, 1000]))
    def receive_another_length_than_announced(self, session: str, data: bytes, off_by: int) -> None:
        assume(len(data) + off_by >= 0)
        with pytest.raises((InvalidUpload, UnknownUpload)):
            self.hold.receive(session, data, expected_bytes=len(data) + off_by)

    @rule()
    def kill(self) -> None:
        """Another process goes on, and each file has bytes that the killed one never counted."""
        for session in self.bytes_of.keys() - self.complete:
            self.hold.receive(session, b"")
            with (self.folder / "uploads" / session / "data").open("ab") as file:
                file.write(b"uncounted")
        self._start()

    @rule(lost=st.integers(0, 300))
    def reboot(self, lost: int) -> None:
        """The last bytes of files that were never synced are gone."""
        for session in self.bytes_of.keys() - self.complete:
            kept = max(0, len(self.bytes_of[session]) - lost)
            with (self.folder / "uploads" / session / "data").open("r+b") as file:
                file.truncate(kept)
            self.bytes_of[session] = self.bytes_of[session][:kept]
        self.boots += 1
        self._start()

    @rule(target=verified, session=sessions, algorithm=algorithms)
    def verify(self, session: str, algorithm: str) -> Any:
        digest = Digest.of(self.bytes_of.get(session, b""), algorithm)
        if session not in self.bytes_of:
            with pytest.raises(UnknownUpload):
                self.hold.verify(session, digest)
            return None
        self.complete.add(session)
        return self.hold.verify(session, digest)

    @rule(session=sessions)
    def verify_wrongly(self, session: str) -> None:
        with pytest.raises((InvalidDigest, UnknownUpload)):
            self.hold.verify(session, Digest.of(b"what nobody sends, as it is longer than the model's bytes" * 9))
        self._end(session)

    @rule(one=consumes(verified))
    def make_known(self, one: Verified | None) -> None:
        if one is None or one.upload_id not in self.bytes_of:
            return
        self.hold.uploads.publish(one)
        self.known.add(one.digest)
        self.hold.run(self.hold.uploads.finish(one))
        self._end(one.upload_id)

    @rule(session=sessions)
    def cancel(self, session: str) -> None:
        self.hold.run(self.hold.uploads.cancel(session))
        self._end(session)

    @rule()
    def sweep(self) -> None:
        self.hold.sweep(self.known.__contains__)
        self.bytes_of.clear()
        self.complete.clear()
        assert self.hold.sessions() == []

    @rule(data=st.data())
    def collect(self, data: st.DataObject) -> None:
        """A garbage collection takes anything: what is made known afterwards is put back."""
        stored = sorted(self.hold.stored(), key=str)
        if stored:
            digest = data.draw(st.sampled_from(stored))
            self.known.discard(digest)
            assert self.hold.store.remove(digest)

    @invariant()
    def sessions_hold_what_was_acknowledged(self) -> None:
        for session, data in self.bytes_of.items():
            assert self.hold.offset(session) == len(data)

    @invariant()
    def what_is_known_is_stored_and_all_that_is_stored_is_true(self) -> None:
        stored = self.hold.stored()
        assert self.known <= stored.keys()
        for digest in stored:
            check = self.hold.store.check(digest)
            assert check is not None
            assert check.intact

    def _start(self) -> None:
        self.hold.close()
        self.hold = Hold(self.folder, boot=str(self.boots), wait_s=0)

    def _end(self, session: str) -> None:
        self.bytes_of.pop(session, None)
        self.complete.discard(session)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
