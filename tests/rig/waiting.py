"""Waiting for something to become true: by asking again until a deadline, never by sleeping and hoping."""

import time
from collections.abc import Callable

STEP_S = 0.02


def until(is_so: Callable[[], bool], *, what: str, deadline_s: float = 30) -> None:
    """Return as soon as `is_so()` holds.

    Raises:
        TimeoutError: it does not within `deadline_s`; `what` says what was waited for.
    """
    end = time.monotonic() + deadline_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s:g} s in vain for {what}")
        time.sleep(STEP_S)
