"""DID documents, against the `atproto` SDK."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.core.atproto.did import Did
from roadstead.core.atproto.diddocument import DidDocument
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.multikey import did_key, multikey
from roadstead.core.errors import CorruptContent
from tests.rig.referees import sdk_did_document

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
DOCUMENT = DidDocument(
    Did.of_web("alice.example.com", 8443), Handle.parse("alice.example.com"), KEY, "https://example.com"
)


def test_the_document_says_it_all_to_another_library() -> None:
    read = sdk_did_document(DOCUMENT.json())
    assert read.id == "did:web:alice.example.com%3A8443"
    assert read.get_handle() == "alice.example.com"
    assert read.get_did_key() == did_key(KEY)
    assert read.get_pds_endpoint() == "https://example.com"


def test_it_is_read_again() -> None:
    assert DidDocument.parse(DOCUMENT.json()) == DOCUMENT
    nameless = DidDocument(DOCUMENT.did, None, KEY, DOCUMENT.pds_url)
    assert DidDocument.parse(nameless.json()) == nameless


def test_a_directorys_document_is_read() -> None:
    did = "did:plc:z72i7hdynmk6r22z27h6tvur"
    document = {
        "id": did,
        "alsoKnownAs": ["https://elsewhere.example", "at://Alice.Example.com", "at://second.example.com"],
        "verificationMethod": [
            {"id": f"{did}#other", "type": "Multikey"},
            {"id": f"{did}#atproto", "type": "Multikey", "publicKeyMultibase": multikey(KEY)},
        ],
        "service": [
            {"id": f"{did}#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example"}
        ],
    }
    read = DidDocument.parse(document)
    assert (str(read.did), str(read.handle), read.pds_url) == (did, "alice.example.com", "https://pds.example")


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": "did:key:z"},
        {"verificationMethod": []},
        {"service": {}},
        {"service": [{"id": "#atproto_pds", "type": "Other", "serviceEndpoint": "https://pds.example"}]},
        {"service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "file:///"}]},
    ],
)
def test_a_document_that_lacks_something_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptContent):
        DidDocument.parse({**DOCUMENT.json(), **change})


@pytest.mark.parametrize("document", [None, [], "text", {}, {"id": 1, "service": [1], "verificationMethod": ["x"]}])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(CorruptContent):
        DidDocument.parse(document)


@pytest.mark.parametrize("names", [None, "at://a.b", [1], ["at://not a handle"], ["mailto:a@b"]])
def test_a_document_may_be_without_a_handle(names: object) -> None:
    assert DidDocument.parse({**DOCUMENT.json(), "alsoKnownAs": names}).handle is None
