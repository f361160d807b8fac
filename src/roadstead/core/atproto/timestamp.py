"""Points in time as lexicons write them (AT Protocol lexicon specification, format `datetime`: RFC 3339, UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadstead.core.errors import InvalidRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_timestamp(at_ms: int) -> str:
    """A moment in milliseconds since 1970 as text, e.g. `2026-11-21T09:00:00.125Z`."""
    # By arithmetic on integers: a float of a timestamp rounds some milliseconds down.
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_timestamp(text: str) -> int:
    """The milliseconds since 1970 that `text` says.

    Raises:
        InvalidRecord: no RFC 3339 date and time, or one without a time zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidRecord(f"{text[:40]!r} is not a point in time; expected the form 2026-01-31T12:00:00Z") from error
