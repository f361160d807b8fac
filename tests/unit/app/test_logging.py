"""Logs: one event a line, and no secret in any field or text."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from roadstead.app.logging import configure

SECRETS = {
    "authorization": "Basic YWxpY2U6cGFzc3dvcmQ=",
    "header": "Bearer eyJhbGciOiJFUzI1NiJ9.e30.abc-_def",
    "refresh_token": "hunter2",
    "Set-Cookie": "hunter2",
    "database": "postgresql://roadstead:hunter2@db/roadstead",
    "path": "/auth/token?account=alice&password=hunter2&service=x",
    "nested": {"password": "hunter2", "list": ["Bearer hunter2"]},
    "reason": "curl said: authorization: bearer hunter2",
}
HIDDEN = ("YWxpY2U6", "eyJhbGci", "hunter2")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("form", ["json", "text", "auto"])
def test_no_secret_is_written(form: str) -> None:
    out = io.StringIO()
    configure("debug", form, out)
    structlog.get_logger().info("logged in with Bearer hunter2", **SECRETS)
    logging.getLogger("library").warning("connecting to %s", SECRETS["database"])
    written = out.getvalue()
    assert "logged in with" in written
    assert "roadstead:…@db" in written
    for secret in HIDDEN:
        assert secret not in written


def test_json_is_one_document_a_line() -> None:
    out = io.StringIO()
    configure("info", "json", out)
    structlog.get_logger().info("one", number=1, digest="sha256:0", text="two\nlines")
    logging.getLogger("library").warning("three")
    one, three = map(json.loads, out.getvalue().splitlines())
    assert (one["event"], one["number"], one["digest"], one["level"]) == ("one", 1, "sha256:0", "info")
    assert one["timestamp"].endswith("Z")
    assert (three["event"], three["level"]) == ("three", "warning")


def test_what_is_less_severe_is_left_out() -> None:
    out = io.StringIO()
    configure("warning", "json", out)
    structlog.get_logger().info("no")
    logging.getLogger("library").info("no")
    structlog.get_logger().error("yes")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["yes"]


def test_an_exception_is_told_with_its_trace() -> None:
    out = io.StringIO()
    configure("info", "json", out)
    try:
        raise ValueError("wrong")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError: wrong" in json.loads(out.getvalue())["exception"]


def test_a_full_disk_under_the_log_fails_nobody() -> None:
    """Whether the stream keeps what it could not write, or says so at once."""
    for buffering in (1, -1):
        out = Path("/dev/full").open("w", buffering=buffering)  # noqa: SIM115 - what is left in it cannot be closed
        try:
            configure("info", "json", out)
            for number in range(1000):
                structlog.get_logger().error("something", number=number)
        finally:
            with suppress(OSError):
                out.close()
