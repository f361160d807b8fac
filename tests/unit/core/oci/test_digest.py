"""Digests: what is one, and what is said of what is none."""

import hashlib

import pytest

from roadstead.core.errors import InvalidDigest
from roadstead.core.oci.digest import HEX_LENGTHS, Digest, check_algorithm


@pytest.mark.parametrize("algorithm", HEX_LENGTHS)
def test_a_digest_survives_its_spelling(algorithm: str) -> None:
    digest = Digest.of(b"some bytes", algorithm)
    assert Digest.parse(str(digest)) == digest
    assert digest.hex == hashlib.new(algorithm, b"some bytes").hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 63 + "\n",
        "sha512:" + "a" * 64,
        "md5:" + "a" * 32,
        ":" + "a" * 64,
        "sha256:" + "a" * 64 + "/../x",
        "sha256:" + "٠" * 64,  # digits, but no hex digits
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


def test_an_error_does_not_repeat_a_megabyte() -> None:
    with pytest.raises(InvalidDigest) as refused:
        Digest.parse("x" * 1_000_000)
    assert len(str(refused.value)) < 500


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    with pytest.raises(InvalidDigest, match="sha256 or sha512"):
        check_algorithm("md5")
