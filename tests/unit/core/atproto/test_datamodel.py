"""The JSON form of records."""

import pytest

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef, blob_refs, from_json, record_from_json, to_json
from roadstead.core.errors import InvalidRecord

BLOB = Cid.of_blob(b"layer")
RECORD = Cid.of_record(b"\xa0")
BLOB_JSON = {"$type": "blob", "ref": {"$link": str(BLOB)}, "mimeType": "image/png", "size": 5}


def test_links_bytes_and_blobs_have_their_notation() -> None:
    json = {
        "$type": "app.example.a",
        "subject": {"$link": str(RECORD)},
        "seal": {"$bytes": "AAH/"},
        "image": BLOB_JSON,
        "list": [1, True, None, "text"],
    }
    value = from_json(json)
    assert value == {
        "$type": "app.example.a",
        "subject": RECORD,
        "seal": b"\x00\x01\xff",
        "image": {"$type": "blob", "ref": BLOB, "mimeType": "image/png", "size": 5},
        "list": [1, True, None, "text"],
    }
    assert to_json(value) == json


def test_an_integer_may_be_spelt_as_a_float() -> None:
    value = from_json([123.0, -0.0])
    assert value == [123, 0]
    assert [type(item) for item in value] == [int, int]


@pytest.mark.parametrize("text", ["AAE", "AAE="])
def test_base64_is_read_with_and_without_padding(text: str) -> None:
    assert from_json({"$bytes": text}) == b"\x00\x01"


def test_every_blob_of_a_record_is_found() -> None:
    other = BlobRef(Cid.of_blob(b"other"), "text/plain", 0)
    record = record_from_json({"a": [{"b": BLOB_JSON}], "c": to_json(other.value()), "legacy": {"cid": "x"}})
    assert list(blob_refs(record)) == [BlobRef(BLOB, "image/png", 5), other]


@pytest.mark.parametrize(
    "json",
    [
        1.5,
        {"a": [0.5]},
        float("nan"),
        float("inf"),
        1e300,
        {"$link": "bafy"},
        {"$link": 1},
        {"$link": str(RECORD), "more": 1},
        {"$bytes": "-_-_"},
        {"$bytes": "A"},
        {"$bytes": None},
        {"$type": ""},
        {"$type": 1},
        {"$type": None},
        {**BLOB_JSON, "ref": {"$link": str(RECORD)}},
        {**BLOB_JSON, "ref": str(BLOB)},
        {**BLOB_JSON, "mimeType": ""},
        {**BLOB_JSON, "size": -1},
        {**BLOB_JSON, "size": True},
        {"$type": "blob"},
        object(),
    ],
    ids=repr,
)
def test_malformed_json_is_refused(json: object) -> None:
    with pytest.raises(InvalidRecord):
        from_json(json)


def test_endless_nesting_is_refused() -> None:
    json: object = 1
    for _ in range(10_000):
        json = [json]
    with pytest.raises(InvalidRecord):
        from_json(json)


def test_a_record_is_an_object() -> None:
    with pytest.raises(InvalidRecord):
        record_from_json([1])
    with pytest.raises(InvalidRecord):
        record_from_json({"$link": str(RECORD)})
