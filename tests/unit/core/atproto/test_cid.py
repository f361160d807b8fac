"""CIDs, against `multiformats` and known values."""

import hashlib

import pytest
from multiformats import CID

from roadstead.core.atproto.cid import DAG_CBOR, RAW, Cid
from roadstead.core.errors import InvalidRecord
from roadstead.core.oci.digest import Digest

EMPTY_BLOB = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def test_the_cid_of_a_known_blob() -> None:
    assert str(Cid.of_blob(b"")) == EMPTY_BLOB
    assert Cid.parse(EMPTY_BLOB) == Cid.of_blob(b"")


@pytest.mark.parametrize("cid", [Cid.of_record(b"\xa0"), Cid.of_blob(b"layer")])
def test_a_foreign_library_reads_the_same(cid: Cid) -> None:
    foreign = CID.decode(str(cid))
    assert (foreign.version, foreign.codec.code, foreign.raw_digest.hex()) == (1, cid.codec, cid.digest.hex)
    assert Cid.parse(str(cid)) == Cid.from_bytes(bytes(foreign)) == cid


def test_a_blob_has_its_digest_as_cid() -> None:
    digest = Digest.of(b"layer")
    cid = Cid.of_blob_digest(digest)
    assert cid == Cid.of_blob(b"layer")
    assert cid.digest == digest
    assert cid.codec == RAW
    assert Cid.of_record(b"layer").codec == DAG_CBOR
    with pytest.raises(InvalidRecord):
        Cid.of_blob_digest(Digest.of(b"layer", "sha512"))


def test_it_knows_its_content() -> None:
    assert Cid.of_record(b"a").matches(b"a")
    assert not Cid.of_record(b"a").matches(b"b")


_HASH = hashlib.sha256(b"").digest()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x12\x20" + _HASH,  # version 0
        b"\x01\x70\x12\x20" + _HASH,  # dag-pb
        b"\x01\x71\x13\x20" + _HASH,  # sha2-512, shortened
        b"\x01\x71\x12\x1f" + _HASH[1:],
        b"\x01\x71\x12\x20" + _HASH[1:],
        b"\x01\x71\x12\x20" + _HASH + b"\x00",
    ],
)
def test_other_forms_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRecord):
        Cid.from_bytes(raw)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bafkrei",
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        "zdpuAw4C1SotmvRQ8EPfs8qSEaDkiLEQZ8SamRuX8HyNSVxCr",
        EMPTY_BLOB.upper(),
        EMPTY_BLOB[:-1] + "v",  # the same bytes, with a spare bit set
        EMPTY_BLOB + "a",
        EMPTY_BLOB + "\n",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        Cid.parse(text)
