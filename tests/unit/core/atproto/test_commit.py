"""Commits, against arroba and `dag_cbor`."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.dagcbor import decode_map, encode
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.mst import EMPTY_ROOT
from roadstead.core.atproto.multikey import signer
from roadstead.core.atproto.tid import Tid
from roadstead.core.errors import CorruptContent
from tests.rig.referees import arroba_verifies, foreign

KEY = ec.generate_private_key(ec.SECP256R1())
DID = Did.of_web("alice.localhost", 5000)
REV = Tid.of(1_700_000_000_000_000, 1)
COMMIT = Commit.signed(DID, EMPTY_ROOT, REV, signer(KEY))


def test_its_block_is_what_the_specification_says() -> None:
    fields = foreign(COMMIT.encode())
    assert str(fields.pop("data").encode("base32")) == str(EMPTY_ROOT)
    assert fields == {"did": str(DID), "version": 3, "rev": str(REV), "prev": None, "sig": COMMIT.sig}


def test_it_is_read_again_and_verifies_here_and_elsewhere() -> None:
    commit = Commit.decode(COMMIT.encode())
    assert commit == COMMIT
    commit.verify(KEY.public_key())
    assert arroba_verifies(COMMIT.encode(), KEY.public_key())


def test_a_signature_that_looks_like_a_link_stays_one() -> None:
    """libipld's writer would make a link of it: one commit in a thousand."""
    sig = bytes.fromhex("01710001").ljust(64, b"\x2a")
    commit = Commit(DID, EMPTY_ROOT, REV, sig)
    assert Commit.decode(commit.encode()) == commit
    assert foreign(commit.encode())["sig"] == sig


@pytest.mark.parametrize(
    "other",
    [
        Commit(Did.of_web("bob.localhost"), COMMIT.data, REV, COMMIT.sig),
        Commit(DID, Cid.of_record(b""), REV, COMMIT.sig),
        Commit(DID, COMMIT.data, Tid.of(0, 0), COMMIT.sig),
        Commit(DID, COMMIT.data, REV, COMMIT.sig, prev=Cid.of_record(b"")),
        Commit(DID, COMMIT.data, REV, COMMIT.sig[:-1]),
        Commit(DID, COMMIT.data, REV, bytes(64)),
    ],
    ids=["did", "data", "rev", "prev", "short sig", "no sig"],
)
def test_the_signature_covers_every_field(other: Commit) -> None:
    with pytest.raises(CorruptContent):
        other.verify(KEY.public_key())


def test_another_key_does_not_verify() -> None:
    with pytest.raises(CorruptContent):
        COMMIT.verify(ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"did": 1},
        {"did": "alice"},
        {"rev": "now"},
        {"rev": None},
        {"data": None},
        {"data": Cid.of_blob(b"")},
        {"prev": "text"},
        {"sig": "text"},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_block_that_is_no_commit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptContent):
        Commit.decode(encode({**decode_map(COMMIT.encode()), **change}))


@pytest.mark.parametrize("block", [b"", b"\xa0", b"\x80", COMMIT.encode()[:-1], COMMIT.encode() + b"\x00"])
def test_other_bytes_are_refused(block: bytes) -> None:
    with pytest.raises(CorruptContent):
        Commit.decode(block)
