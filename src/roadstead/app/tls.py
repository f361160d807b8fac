"""The private key of TLS as the server reads it: PKCS#8. Keys come in other forms too (`BEGIN EC PRIVATE KEY`)."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from roadstead.core.errors import InvalidSetting


@contextlib.contextmanager
def pkcs8_key(file: Path) -> Iterator[Path]:
    """A file with the key of `file` in PKCS#8, for as long as the block lasts: `file` itself where it is that already.

    Raises:
        InvalidSetting: no private key in PEM, or one with a passphrase.
    """
    from cryptography.hazmat.primitives import serialization

    try:
        pem = file.read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidSetting(
            f"tls_key {file} cannot be read: {error}", remedy="expected a private key in PEM, without a passphrase"
        ) from error
    if b"BEGIN PRIVATE KEY" in pem:
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="roadstead-", suffix=".pem") as rewritten:  # made with mode 0600
        rewritten.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        rewritten.flush()
        yield Path(rewritten.name)
