"""Public keys and signatures, against `atproto_crypto`."""

import libipld
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.atproto.multikey import did_key, multikey, parse_multikey, signer, verifies
from roadstead.core.errors import InvalidRecord
from tests.rig.referees import sdk_did_key, sdk_verifies

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEYS = [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256K1())]
DATA = b"commit"


@pytest.mark.parametrize("key", KEYS, ids=["p256", "k256"])
def test_a_key_is_spelt_as_others_do(key: ec.EllipticCurvePrivateKey) -> None:
    public = key.public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = "ES256" if key.curve.name == "secp256r1" else "ES256K"
    assert did_key(public) == sdk_did_key(algorithm, point)
    assert parse_multikey(multikey(public)) == parse_multikey(did_key(public)) == public


def test_known_keys_are_read() -> None:
    """Of the did:key specification's examples."""
    for text in (
        "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
    ):
        assert did_key(parse_multikey(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "did:key:",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "mZXhhbXBsZQ",
        "z0OIl",
        "did:key:" + "z" * 100,
        "\x00",
        libipld.encode_multibase("z", b"\x80\x24\x02" + b"\xff" * 32),  # not on the curve
    ],
)
def test_other_text_is_no_key(text: str) -> None:
    with pytest.raises(InvalidRecord):
        parse_multikey(text)


@pytest.mark.parametrize("key", KEYS, ids=["p256", "k256"])
def test_a_signature_is_low_s_and_verifies_elsewhere(key: ec.EllipticCurvePrivateKey) -> None:
    public = key.public_key()
    for number in range(20):
        data = DATA + bytes([number])
        signature = signer(key)(data)
        assert len(signature) == 64
        assert verifies(public, data, signature)
        assert sdk_verifies(did_key(public), data, signature)


def test_the_other_s_is_refused() -> None:
    key = KEYS[0]
    signature = signer(key)(DATA)
    high = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert not verifies(key.public_key(), DATA, high)


def test_other_keys_data_and_lengths_are_refused() -> None:
    signature = signer(KEYS[0])(DATA)
    assert not verifies(KEYS[1].public_key(), DATA, signature)
    assert not verifies(KEYS[0].public_key(), DATA + b".", signature)
    assert not verifies(KEYS[0].public_key(), DATA, signature + b"\x00")
    assert not verifies(KEYS[0].public_key(), DATA, b"")


@given(st.binary(min_size=64, max_size=64))
def test_no_64_bytes_break_it(signature: bytes) -> None:
    assert not verifies(KEYS[0].public_key(), DATA, signature)
    assert not verifies(KEYS[0].public_key(), DATA, bytes(32) + signature[:32])
    assert not verifies(KEYS[0].public_key(), DATA, signature[:32] + bytes(32))
