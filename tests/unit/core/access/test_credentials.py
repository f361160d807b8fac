"""Which passwords an account may have."""

import pytest

from roadstead.core.access.credentials import check_password
from roadstead.core.errors import Invalid


@pytest.mark.parametrize("password", ["12345678", "correct horse battery", "pässwörter", "x" * 256, "a:b:c:d:e"])
def test_good(password: str) -> None:
    assert check_password(password, "alice-of-the-sea") == password


@pytest.mark.parametrize(
    "password", ["", "1234567", "x" * 257, "1234567\n", "12345678\0", "rsp_12345678", "Alice-of-the-Sea"]
)
def test_bad(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password, "alice-of-the-sea")
