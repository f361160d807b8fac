"""Where clients are told to find a server that listens somewhere."""

import pytest

from roadstead.app.settings import reached_at


@pytest.mark.parametrize(
    ("listen", "reached"),
    [
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("192.0.2.7:80", "192.0.2.7:80"),
        ("0.0.0.0:5000", "127.0.0.1:5000"),
        (":5000", "127.0.0.1:5000"),
        ("[::]:5000", "[::1]:5000"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_an_address_that_a_client_can_use(listen: str, reached: str) -> None:
    assert reached_at(listen) == reached
