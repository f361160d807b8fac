"""`Warning` headers: `299 - "…"`, no date, at most 4,096 bytes together (distribution-spec, Warnings)."""

import re

from roadstead.registry.exchange import warnings

_FORM = re.compile(r'299 - "[^"\\]*"')


def test_warning_headers_are_of_the_form() -> None:
    """Whatever the texts are: quotes, other letters, line ends that would begin another header, and too many."""
    texts = [
        "plain",
        'quo"ted',
        "back\\slash",
        "two\r\nX-Injected: lines",
        "gr\u00fc\u00df",
        *("x" * 300 for _ in range(50)),
    ]
    headers = warnings(texts)
    assert headers[0] == (b"warning", b'299 - "plain"')
    assert all(name == b"warning" and _FORM.fullmatch(value.decode()) for name, value in headers)
    assert sum(len(value) for _, value in headers) <= 4096
