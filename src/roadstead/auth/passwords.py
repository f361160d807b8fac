"""Hashing and checking the passwords of accounts (argon2id, RFC 9106; OWASP's parameters).

Docker sends the password for every token, so a check must neither cost much memory (two at once in a process) nor
be paid for again each time: that a password was right is remembered for a minute, as a keyed hash of it. The
password itself is kept nowhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from roadstead.core.errors import Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1

AT_ONCE: Final = 2
MOST_WAITING: Final = 64
"""Checks that may wait for their turn; at about 25 ms each and two at once, the last waits for a second."""

REMEMBERED_S: Final = 60.0
MOST_REMEMBERED: Final = 1024


class Passwords:
    """Checks passwords for one process.

    Args:
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._secret = secrets.token_bytes(32)
        self._nobodys_hash = ""

    def close(self) -> None:
        """Ends the threads, after the checks that they are at."""
        self._threads.shutdown()

    def was_right(self, password_hash: str, password: str) -> bool:
        """Whether this password was checked against this hash within the last minute, and was right."""
        until_s = self._right.get(self._mark(password_hash, password))
        return until_s is not None and self._monotonic() < until_s

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password has this hash.

        Args:
            password_hash: `None` for an account that does not exist: it takes as long, and is wrong.

        Raises:
            Unavailable: too many wait for their turn.
        """
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too many passwords are being checked", retry_after_s=1)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(self._threads, self._verify, password_hash, password)
        finally:
            self._waiting -= 1
        if right and password_hash is not None:
            self._remember(self._mark(password_hash, password))
        return right

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is None:
            self._nobodys_hash = self._nobodys_hash or hash_password(secrets.token_hex(16))
        return verify_password(password_hash or self._nobodys_hash, password) and password_hash is not None

    def _remember(self, mark: bytes) -> None:
        self._right[mark] = self._monotonic() + REMEMBERED_S
        self._right.move_to_end(mark)
        if len(self._right) > MOST_REMEMBERED:
            self._right.popitem(last=False)

    def _mark(self, password_hash: str, password: str) -> bytes:
        """Names the pair; without this process's secret, nothing can be tried against it."""
        return hashlib.blake2b(f"{password_hash}\0{password}".encode(), key=self._secret, digest_size=32).digest()


def hash_password(password: str) -> str:
    """The hash to keep of an account's password, with its salt and parameters. Takes about 25 ms and 19 MiB."""
    return _hasher().hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password has this hash. Takes about 25 ms and 19 MiB."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # a worker that never checks a password does without it

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
