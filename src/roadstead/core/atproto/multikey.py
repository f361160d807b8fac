"""Public keys and signatures as AT Protocol writes them (AT Protocol cryptography specification).

Owns the multikey and `did:key` forms of public keys, and the 64-byte low-S form of ECDSA signatures. Keys are
arguments: none is made or kept here. This server signs with P-256; secp256k1 is read too, as other servers use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import libipld
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.core.errors import InvalidRecord

PublicKey: TypeAlias = ec.EllipticCurvePublicKey
Sign: TypeAlias = Callable[[bytes], bytes]
"""Gives the 64-byte low-S signature of some bytes."""

SIGNATURE_BYTES: Final = 64

_CURVES: Final[dict[bytes, ec.EllipticCurve]] = {b"\x80\x24": ec.SECP256R1(), b"\xe7\x01": ec.SECP256K1()}
"""Multicodec prefixes (varints of 0x1200 and 0xe7) of the curves."""

_ORDERS: Final = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}
_COMPRESSED_BYTES: Final = 33


def multikey(key: PublicKey) -> str:
    """`z…`: base58btc of the curve's prefix and the compressed point, as in a DID document."""
    prefix = next(prefix for prefix, curve in _CURVES.items() if curve.name == key.curve.name)
    return libipld.encode_multibase("z", prefix + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def did_key(key: PublicKey) -> str:
    """The `did:key` of a public key."""
    return f"did:key:{multikey(key)}"


def parse_multikey(text: str) -> PublicKey:
    """The public key that a multikey, or a `did:key` of one, spells.

    Raises:
        InvalidRecord: malformed, of another curve, or not a point of its curve.
    """
    text = text.removeprefix("did:key:")
    try:
        base, raw = libipld.decode_multibase(text)
        if base != "z" or len(raw) != 2 + _COMPRESSED_BYTES:
            raise ValueError("expected base58btc of 35 bytes")
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[bytes(raw[:2])], bytes(raw[2:]))
    except (ValueError, KeyError) as error:
        raise InvalidRecord(f"{text[:80]!r} is not a multikey of P-256 or secp256k1") from error


def signer(key: ec.EllipticCurvePrivateKey) -> Sign:
    """The function that signs with `key`: ECDSA with SHA-256, low S, `r` and `s` of 32 bytes each."""
    order = _ORDERS[key.curve.name]

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
        # Both s and its negative verify: only the low one is allowed, so that nobody can mint a second signature.
        return r.to_bytes(32, "big") + min(s, order - s).to_bytes(32, "big")

    return sign


def verifies(key: PublicKey, data: bytes, signature: bytes) -> bool:
    """Whether `signature` is the low-S signature of `data` by `key`'s owner."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if s > _ORDERS[key.curve.name] // 2:
        return False
    try:
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
