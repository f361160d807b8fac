"""DIDs, handles, NSIDs, record keys and AT URIs: examples from the specifications, and their neighbours."""

import pytest

from roadstead.core.atproto.aturi import AtUri
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.handle import Handle
from roadstead.core.atproto.nsid import parse_nsid
from roadstead.core.atproto.recordkey import parse_record_key
from roadstead.core.errors import InvalidName, InvalidRecord

PLC = "did:plc:z72i7hdynmk6r22z27h6tvur"


@pytest.mark.parametrize(
    ("text", "method", "host", "alias"),
    [
        (PLC, "plc", None, "did-plc-z72i7hdynmk6r22z27h6tvur"),
        ("did:web:example.com", "web", "example.com", "did-web-example.com"),
        ("did:web:alice.localhost%3A5000", "web", "alice.localhost:5000", "did-web-alice.localhost_5000"),
        ("did:web:a-b.c--d.example", "web", "a-b.c--d.example", "did-web-a-b.c--d.example"),
        ("did:web:127.0.0.1%3A80", "web", "127.0.0.1:80", "did-web-127.0.0.1_80"),
    ],
)
def test_a_did_and_its_alias(text: str, method: str, host: str | None, alias: str) -> None:
    did = Did.parse(text)
    assert (str(did), did.method, did.host, did.alias) == (text, method, host, alias)
    assert Did.parse_alias(alias) == did


def test_a_web_did_has_one_spelling() -> None:
    assert Did.parse("did:web:Alice.Example.COM%3a5000") == Did.of_web("alice.example.com", 5000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did",
        "did:web:",
        "did:plc:short",
        PLC.upper(),
        PLC + "a",
        "did:plc:z72i7hdynmk6r22z27h6tvu1",
        "did:key:zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo",
        "did:web:example.com:path",
        "did:web:example.com%3A",
        "did:web:example.com%3A0",
        "did:web:example.com%3A123456",
        "did:web:example.com%2Fpath",
        "did:web:exa_mple.com",
        "did:web:-example.com",
        "did:web:example..com",
        "did:web:example.com\n",
        "did:web:" + "a" * 64 + ".com",
        "did:web:" + "a.b" * 100,
        "DID:WEB:example.com",
        "did:web:ſ.example",  # lower() of nothing ASCII
        "did:web:\u212a.example",  # KELVIN SIGN, whose lower case is k
    ],
)
def test_other_text_is_no_did(text: str) -> None:
    with pytest.raises(InvalidName):
        Did.parse(text)


@pytest.mark.parametrize(
    "text", ["", "did-", "did-web-", "did-web-a_b", "did-plc-short", "did-key-z", "example.com", "did:web:example.com"]
)
def test_other_text_is_no_alias(text: str) -> None:
    with pytest.raises(InvalidName):
        Did.parse_alias(text)


@pytest.mark.parametrize(
    "text", ["jay.bsky.social", "8.cn", "name.t--t", "xn--notarealidn.com", "a.localhost", "X.COM"]
)
def test_a_handle_is_lower_case(text: str) -> None:
    assert str(Handle.parse(text)) == text.lower()
    assert Handle.parse(text).uri == f"at://{text.lower()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "jo@hn.test",
        "💩.test",
        "john..test",
        "john.0",
        "cn.8",
        "www.masełkowski.pl",
        "-a.com",
        "a-.com",
        "a.com.",
        ".com",
        "a.com\n",
        "a" * 64 + ".com",
        "a." * 127 + "com",
        "\u212a.com",
    ],
)
def test_other_text_is_no_handle(text: str) -> None:
    with pytest.raises(InvalidName):
        Handle.parse(text)


@pytest.mark.parametrize("text", ["com.example.fooBar", "net.users.bob.ping", "a-0.b-1.c", "a.b.c", "cn.8.lex.stuff"])
def test_an_nsid(text: str) -> None:
    assert parse_nsid(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "com.example",
        "com.exa💩ple.thing",
        "com.\u212ay.a",
        "com.a.\u017f",
        "com.example.*",
        "com.example.3",
        "3com.example.a",
        "a.b.c-d",
        "a..b.c",
        "a.b.c\n",
        "a.b." + "c" * 64,
        "a." * 200 + "b",
    ],
)
def test_other_text_is_no_nsid(text: str) -> None:
    with pytest.raises(InvalidRecord):
        parse_nsid(text)


@pytest.mark.parametrize(
    "text", ["3jui7kd54zh2y", "self", "example.com", "~1.2-3_", "dHJ1ZQ", "pre:fix", "_", "a" * 512]
)
def test_a_record_key(text: str) -> None:
    assert parse_record_key(text) == text


@pytest.mark.parametrize(
    "text", ["", ".", "..", "alpha/beta", "#extra", "@handle", "any space", "any+space", "dHJ1ZQ==", "a\n", "a" * 513]
)
def test_other_text_is_no_record_key(text: str) -> None:
    with pytest.raises(InvalidRecord):
        parse_record_key(text)


@pytest.mark.parametrize(
    "text", [f"at://{PLC}", f"at://{PLC}/io.atcr.tag", f"at://{PLC}/io.atcr.tag/app_v1", "at://alice.test/a.b.c/self"]
)
def test_an_at_uri(text: str) -> None:
    assert str(AtUri.parse(text)) == text


def test_the_parts_of_an_at_uri() -> None:
    assert AtUri.parse(f"at://{PLC}/io.atcr.tag/app_v1") == AtUri(
        Did.parse(PLC), parse_nsid("io.atcr.tag"), parse_record_key("app_v1")
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "at://",
        "https://alice.test",
        f"at://{PLC}/",
        f"at://{PLC}/a.b.c/",
        f"at://{PLC}/a.b.c/d/e",
        f"at://{PLC}/a.b.c/d?q=1",
        f"at://{PLC}#f",
        "at://did:key:z/a.b.c",
        f"{PLC}/a.b.c/d",
    ],
)
def test_other_text_is_no_at_uri(text: str) -> None:
    with pytest.raises((InvalidRecord, InvalidName)):
        AtUri.parse(text)
