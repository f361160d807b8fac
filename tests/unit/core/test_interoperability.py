"""The public interoperability values of AT Protocol for the data model and for signatures."""

import base64

import pytest

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import Value, decode, encode
from roadstead.core.atproto.datamodel import from_json, to_json
from roadstead.core.atproto.multikey import parse_multikey, verifies

LINK = {"$link": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}
SOME_BYTES = {"$bytes": "nFERjvLLiw9qm45JrqH9QTzyC2Lu1Xb4ne6+sBrCzI0"}
OTHER_BYTES = {"$bytes": "iE+sPoHobU9tSIqGI+309LLCcWQIRmEXwxcoDt19tas"}
BLOB = {
    "$type": "blob",
    "ref": {"$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"},
    "mimeType": "image/jpeg",
    "size": 10000,
}


@pytest.mark.parametrize(
    ("json", "cid"),
    [
        (
            {"a": LINK, "b": SOME_BYTES, "c": BLOB},
            "bafyreihldkhcwijkde7gx4rpkkuw7pl6lbyu5gieunyc7ihactn5bkd2nm",
        ),
        (
            {"a": {"b": [{"d": [LINK, LINK], "e": [SOME_BYTES, OTHER_BYTES]}]}},
            "bafyreid3imdulnhgeytpf6uk7zahjvrsqlofkmm5b5ub2maw4kqus6jp4i",
        ),
    ],
)
def test_a_record_has_its_known_cid(json: dict[str, object], cid: str) -> None:
    value: Value = from_json(json)
    block = encode(value)
    assert str(Cid.of_record(block)) == cid
    assert decode(block) == value
    assert to_json(value) == json


P256 = "did:key:zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo"
K256 = "did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc"


@pytest.mark.parametrize(
    ("key", "signature", "valid"),
    [
        (P256, "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoJWExHptCfduPleDbG3rko3YZnn9Lw0IjpixVmexJDegg", True),
        (P256, "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoKp7O4VS9giSAah8k5IUbXIW00SuOrjfEqQ9HEkN9JGzw", False),
        (K256, "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdUn/FEznOndsz/qgiYb89zwxYCbB71f7yQK5Lr7NasfoA", True),
        (K256, "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdXYA67MYxYiTMAVfdnkDCMN9S5B3vHosRe07aORmoshoQ", False),
    ],
    ids=["P-256", "P-256 with a high S", "K-256", "K-256 with a high S"],
)
def test_a_known_signature(key: str, signature: str, valid: bool) -> None:
    assert verifies(parse_multikey(key), encode({"hello": "world"}), base64.b64decode(signature + "==")) is valid
