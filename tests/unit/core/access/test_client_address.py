"""Who the client is, behind proxies and behind lies."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.access.client_address import Client, TrustedProxies, in_networks, parse_networks
from roadstead.core.errors import InvalidSetting

_PROXIES = TrustedProxies(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("::1", ["9.9.9.9"], "9.9.9.9"),
        ("::ffff:10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["8.8.8.8, 9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["8.8.8.8", "9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["8.8.8.8, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["9.9.9.9:4711"], "9.9.9.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("10.0.0.1", ["9.9.9.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9, <script>, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [" , ,"], "10.0.0.1"),
        ("", ["9.9.9.9"], ""),
    ],
)
def test_the_last_hop_that_is_not_trusted(peer: str, forwarded_for: list[str], client: str) -> None:
    assert _PROXIES.client(peer, "http", forwarded_for, []).address == client


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "forwarded_proto", "scheme"),
    [
        ("10.0.0.1", ["9.9.9.9"], ["https"], "https"),
        ("10.0.0.1", [], ["HTTPS"], "https"),
        ("1.2.3.4", [], ["https"], "http"),
        ("10.0.0.1", [], ["gopher"], "http"),
        ("10.0.0.1", [], [""], "http"),
        ("10.0.0.1", ["9.9.9.9"], ["http, https"], "https"),
        ("10.0.0.1", ["9.9.9.9, 10.0.0.2"], ["https, http"], "https"),
        ("10.0.0.1", ["9.9.9.9, 10.0.0.2"], ["https"], "https"),
    ],
)
def test_the_scheme(peer: str, forwarded_for: list[str], forwarded_proto: list[str], scheme: str) -> None:
    assert _PROXIES.client(peer, "http", forwarded_for, forwarded_proto).scheme == scheme


def test_nobody_is_trusted_unless_it_is_said() -> None:
    assert TrustedProxies([]).client("127.0.0.1", "http", ["9.9.9.9"], ["https"]) == Client("127.0.0.1", "http")


def test_limits_count_an_ipv6_home_as_one() -> None:
    assert Client("2001:db8::1", "http").limited_as == Client("2001:db8::ffff", "http").limited_as
    assert Client("2001:db8::1", "http").limited_as != Client("2001:db8:0:1::1", "http").limited_as
    assert Client("1.2.3.4", "http").limited_as == "1.2.3.4"


@pytest.mark.parametrize("network", ["", "10.0.0.0/33", "proxy.example.com", "10.0.0"])
def test_what_is_no_network(network: str) -> None:
    with pytest.raises(InvalidSetting):
        TrustedProxies([network])


def test_networks() -> None:
    assert parse_networks(["10.1.2.3/8"]) == (ip_network("10.0.0.0/8"),)
    assert in_networks("10.9.9.9", parse_networks(["10.0.0.0/8"]))
    assert not in_networks("a socket", parse_networks(["0.0.0.0/0", "::/0"]))


@given(st.text(), st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_any_headers_give_a_client(peer: str, forwarded_for: list[str], forwarded_proto: list[str]) -> None:
    everybody = TrustedProxies(["0.0.0.0/0", "::/0"])
    for proxies in (_PROXIES, everybody):
        assert proxies.client(peer, "http", forwarded_for, forwarded_proto).scheme in ("http", "https")
