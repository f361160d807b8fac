"""Structured logs: one event a line, for people or for machines, without secrets."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_NAMES: Final = re.compile(r"authorization|cookie|password|secret|token|private|credential", re.IGNORECASE)
"""Fields whose value nobody may read in a log."""

SECRET_TEXTS: Final = (
    (re.compile(r"\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\1 …"),
    (re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@"), r"\1:…@"),
    (re.compile(r"([?&](?:access_token|refresh_token|token|password)=)[^&\s]+", re.IGNORECASE), r"\1…"),
)
"""What reads like a secret within a text, and what stands in its place."""

HIDDEN: Final = "…"


class Lossy:
    """A stream that loses what cannot be written: a full disk under the log must not fail the request it tells of."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        """Writes the text, or not."""
        with contextlib.suppress(OSError):
            self._out.write(text)

    def flush(self) -> None:
        """Writes what is left, or not."""
        with contextlib.suppress(OSError):
            self._out.flush()


def configure(level: str, form: str, stream: TextIO | None = None) -> None:
    """Sets up logging for this process, that of libraries included.

    Args:
        level: `debug`, `info`, `warning` or `error`: the least severe that is logged.
        form: `json`, `text`, or `auto`: text where the stream is a terminal.
        stream: where to; standard error by default.
    """
    out = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    last = _renderer(form, out)
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", Lossy(out))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove_meta, without_secrets, last])
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.INFO), force=True)


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event with secrets hidden, whatever field or text they stand in."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name) and isinstance(value, str | bytes):
        return HIDDEN
    if isinstance(value, MutableMapping):
        return {key: _shown(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", inner) for inner in value]
    if isinstance(value, str):
        for pattern, instead in SECRET_TEXTS:
            value = pattern.sub(instead, value)
    return value


def _renderer(form: str, out: TextIO) -> Processor:
    if form == "json" or (form == "auto" and not out.isatty()):
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)
