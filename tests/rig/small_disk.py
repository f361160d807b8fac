"""A disk that is soon full: a small tmpfs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mounted(folder: Path, *, size_bytes: int) -> Iterator[Path]:
    """Mount a tmpfs of `size_bytes` at `folder` for as long as the body runs. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        # Lazily: a server that is still ending may hold a file open.
        subprocess.run(["umount", "-l", str(folder)], check=True)
