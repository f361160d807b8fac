"""A certificate for 127.0.0.1, and the authority that clients are told to trust."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the server's certificate and PKCS#8 key, and the authority's certificate alone in its folder."""

    certificate: Path
    key: Path
    authority: Path


def made_in(folder: Path) -> Certificate:
    """A new authority, and a certificate by it."""
    (folder / "authority").mkdir(parents=True)
    made = Certificate(folder / "server.pem", folder / "server.key", folder / "authority" / "ca.crt")
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _described(
        "authority of the tests", "authority of the tests", authority_key.public_key()
    ).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    server = _described("127.0.0.1", "authority of the tests", key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    made.authority.write_bytes(_pem(authority.sign(authority_key, hashes.SHA256())))
    made.certificate.write_bytes(_pem(server.sign(authority_key, hashes.SHA256())))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def _described(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
