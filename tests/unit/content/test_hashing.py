"""Hashes that can be kept, against hashlib."""

import hashlib

import pytest

from roadstead.content.hashing import Hasher
from roadstead.content.libcrypto import LAYOUTS, Functions
from roadstead.core.errors import InvalidDigest
from roadstead.core.oci.digest import HEX_LENGTHS, Digest
from tests.rig.hold import patterned
from tests.sizes import SIZES, SMALL, Size

ALGORITHMS = tuple(HEX_LENGTHS)


def _resumed(hasher: Hasher) -> Hasher:
    resumed = Hasher.resume(hasher.algorithm, hasher.state(), hasher.size_bytes)
    assert resumed is not None
    return resumed


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gives_the_digest_that_hashlib_gives(algorithm: str, size: Size) -> None:
    data = patterned(size.size_bytes)
    hasher = Hasher.start(algorithm)
    hasher.update(data)
    assert hasher.digest() == Digest(algorithm, hashlib.new(algorithm, data).hexdigest())
    assert hasher.size_bytes == len(data)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", SMALL, ids=str)
def test_goes_on_from_a_kept_state(algorithm: str, size: Size) -> None:
    data = patterned(5000)
    hasher = Hasher.start(algorithm)
    hasher.update(data[: size.size_bytes])
    resumed = _resumed(hasher)
    resumed.update(data[size.size_bytes :])
    assert resumed.digest() == Digest.of(data, algorithm)
    assert hasher.digest() == Digest.of(data[: size.size_bytes], algorithm), "the one it was taken from is as it was"


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, lambda data: memoryview(data), lambda data: memoryview(bytearray(data))]
)
def test_takes_any_bytes(kind: type[bytes]) -> None:
    hasher = Hasher.start("sha256")
    hasher.update(kind(patterned(1000)))
    assert hasher.digest() == Digest.of(patterned(1000))


def test_a_copy_goes_on_by_itself() -> None:
    hasher = Hasher.start("sha256")
    hasher.update(b"one")
    copy = hasher.copy()
    copy.update(b"two")
    assert (hasher.digest(), copy.digest()) == (Digest.of(b"one"), Digest.of(b"onetwo"))
    assert (hasher.size_bytes, copy.size_bytes) == (3, 6)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_state_that_is_not_of_these_bytes_is_refused(algorithm: str) -> None:
    hasher = Hasher.start(algorithm)
    hasher.update(patterned(1000))
    state = hasher.state()
    layout = LAYOUTS[algorithm]
    words, low, high, block, fill, length = layout.fields.unpack(state.partition(b":")[2])
    overflowing = layout.fields.pack(words, low, high, block, 2**31, length)
    other = "sha512" if algorithm == "sha256" else "sha256"
    for kept, size in [
        (state, 1001),
        (state[:-1], 1000),
        (state + b"x", 1000),
        (b"", 1000),
        (b"libcrypto-other:" + state.partition(b":")[2], 1000),
        (state.partition(b":")[0] + b":" + overflowing, 1000),
        (state.partition(b":")[0] + b":" + layout.fields.pack(words, low, high, block, fill, 99), 1000),
    ]:
        assert Hasher.resume(algorithm, kept, size) is None
    assert Hasher.resume(other, state, 1000) is None


def test_this_machine_can_keep_hashes() -> None:
    """The fallback is for others: where the tests run, the quick way must not be lost unseen."""
    assert all(Functions.load(algorithm) for algorithm in ALGORITHMS)


@pytest.mark.usefixtures("no_libcrypto")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_libcrypto_the_state_says_hash_again(algorithm: str) -> None:
    hasher = Hasher.start(algorithm)
    hasher.update(b"some bytes")
    assert hasher.state() == b""
    assert hasher.copy().digest() == Digest.of(b"some bytes", algorithm)
    assert Hasher.resume(algorithm, b"", 10) is None


def test_an_unsupported_algorithm_is_refused() -> None:
    with pytest.raises(InvalidDigest, match="md5"):
        Hasher.start("md5")
