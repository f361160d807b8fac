"""However a blob is cut into requests and pieces, and whichever process takes each, it is the same blob."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.content.hashing import Hasher
from roadstead.core.oci.digest import HEX_LENGTHS, Digest
from tests.rig.hold import Hold
from tests.sizes import SMALL

algorithms = st.sampled_from(sorted(HEX_LENGTHS))
contents = st.one_of(
    st.binary(max_size=5000), st.sampled_from(SMALL).map(lambda size: (bytes(range(256)) * 17)[: size.size_bytes])
)


@st.composite
def cuts(draw: st.DrawFn, size: int) -> list[tuple[int, int]]:
    """The parts of `size` bytes, in order; some may be empty."""
    inner = draw(st.lists(st.integers(0, size), max_size=8))
    return list(pairwise([0, *sorted(inner), size]))


@given(st.data(), contents, algorithms)
def test_a_hash_that_is_kept_anywhere_is_the_hash(data: st.DataObject, content: bytes, algorithm: str) -> None:
    hasher = Hasher.start(algorithm)
    for start, end in data.draw(cuts(len(content))):
        hasher.update(content[start:end])
        if data.draw(st.booleans()):
            kept = Hasher.resume(algorithm, hasher.state(), hasher.size_bytes)
            assert kept is not None
            hasher = kept
    assert hasher.digest() == Digest.of(content, algorithm)


@settings(deadline=None)
@given(st.data(), contents, algorithms)
def test_a_blob_that_is_cut_anywhere_is_the_blob(data: st.DataObject, content: bytes, algorithm: str) -> None:
    with TemporaryDirectory() as folder, Hold(Path(folder)) as one, Hold(Path(folder)) as other:
        one.create("a", algorithm)
        for start, end in data.draw(cuts(len(content))):
            process = data.draw(st.sampled_from([one, other]))
            pieces_of = data.draw(st.integers(1, 6000))
            assert process.receive("a", content[start:end], pieces_of=pieces_of) == end
        digest = one.verify("a", Digest.of(content, data.draw(algorithms))).digest
        assert other.read(digest) == content
        for start, end in data.draw(cuts(len(content))):
            assert other.read(digest, start, end - start) == content[start:end]
