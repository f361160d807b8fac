"""The sizes that are worth a test: every boundary in the code, with its reason."""

from dataclasses import dataclass
from typing import Final

from roadstead.content.intake import BATCH_BYTES
from roadstead.content.reading import READ_BYTES
from roadstead.content.session import WRITE_BACK_BYTES


@dataclass(frozen=True, slots=True)
class Size:
    """A number of bytes, and why it may go wrong there."""

    size_bytes: int
    reason: str

    def __str__(self) -> str:
        return f"{self.size_bytes} ({self.reason})"


SIZES: Final = (
    Size(0, "the empty blob"),
    Size(1, "the smallest that has bytes"),
    Size(55, "SHA-256's padding just fits into the block"),
    Size(56, "SHA-256's padding needs one more block"),
    Size(63, "one less than SHA-256's block"),
    Size(64, "SHA-256's block"),
    Size(65, "one more than SHA-256's block"),
    Size(111, "SHA-512's padding just fits into the block"),
    Size(112, "SHA-512's padding needs one more block"),
    Size(127, "one less than SHA-512's block"),
    Size(128, "SHA-512's block"),
    Size(129, "one more than SHA-512's block"),
    Size(4095, "one less than a page"),
    Size(4096, "a page"),
    Size(4097, "one more than a page"),
    Size(BATCH_BYTES - 1, "one less than a batch"),
    Size(BATCH_BYTES, "a batch: the longest that is stored in one go"),
    Size(BATCH_BYTES + 1, "one more than a batch: the first that needs a session"),
    Size(2 * BATCH_BYTES, "one batch is written while the other comes in"),
    Size(2 * BATCH_BYTES + 1, "a third batch has to wait"),
    Size(WRITE_BACK_BYTES - 1, "one less than what starts write-back"),
    Size(WRITE_BACK_BYTES, "starts write-back, and saves the state within the request"),
    Size(WRITE_BACK_BYTES + 1, "one byte after the state was saved"),
)
"""Ascending. What is read at a time is a part of a batch, which this holds true."""

assert BATCH_BYTES % READ_BYTES == 0

SMALL: Final = tuple(size for size in SIZES if size.size_bytes <= 4097)
"""Those that a test can afford in any combination."""
