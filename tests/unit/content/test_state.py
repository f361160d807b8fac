"""A session's state: what is read is what was saved last, whatever part of a later one was written."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.content.state import State
from roadstead.core.oci.digest import Digest

DIGESTS = tuple(str(Digest.of(b"content", algorithm)) for algorithm in ("sha256", "sha512"))


def _state(turn: int) -> State:
    return State(algorithm="sha512", offset=turn * 1000, hash_state=bytes(234), boot_id="x" * 36, turn=turn)


def test_the_last_one_counts(tmp_path: Path) -> None:
    assert State.load(tmp_path) is None
    for turn in range(5):
        _state(turn).save(tmp_path)
        assert State.load(tmp_path) == _state(turn)


def test_the_longest_fits_its_slot(tmp_path: Path) -> None:
    for turn in range(2):
        state = State(
            algorithm="sha512",
            offset=2**62,
            hash_state=bytes(234),
            boot_id="x" * 36,
            published=DIGESTS,
            closed=True,
            turn=2**40 + turn,
        )
        state.save(tmp_path)
        assert State.load(tmp_path) == state
    assert (tmp_path / "state").stat().st_size < 4096


@settings(deadline=None)
@given(torn=st.integers(0, 400), garbage=st.binary(min_size=1, max_size=400))
def test_one_that_was_torn_gives_the_one_before(torn: int, garbage: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        _state(0).save(folder)
        _state(1).save(folder)
        before = (folder / "state").read_bytes()
        _state(2).save(folder)
        after = (folder / "state").read_bytes()
        (folder / "state").write_bytes(after[:torn] + garbage + before[torn + len(garbage) :])
        assert State.load(folder) in (_state(1), _state(2))


def test_one_that_a_crash_made_unreadable_trusts_nothing(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 4096, b"x" * 5000):
        (tmp_path / "state").write_bytes(content)
        state = State.load(tmp_path)
        assert state is not None
        assert (state.boot_id, state.hash_state, state.offset) == ("", b"", 2**63 - 1)
