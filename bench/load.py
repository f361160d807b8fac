"""Transfers of large blobs, each by a process of its own, started together: `python -m bench.load TRANSFER`.

A transfer process connects, says so, waits for a line, does its work and says that it is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bench.content import LargeBlob
from bench.wire import FilePart, Wire


@dataclass(frozen=True, slots=True)
class Get:
    """GETs of one blob, one after another; `range_` is a Range header's value."""

    port: int
    token: str
    path: str
    times: int = 1
    range_: str = ""

    def run(self, wire: Wire) -> None:
        headers = {"Range": self.range_} if self.range_ else {}
        for _ in range(self.times):
            wire.request("GET", self.path, 206 if self.range_ else 200, headers=headers)


@dataclass(frozen=True, slots=True)
class Put:
    """An upload in whole (`chunk_bytes` is 0) or in chunks."""

    port: int
    token: str
    repository: str
    file: str
    size_bytes: int
    tail: str
    digest: str
    chunk_bytes: int = 0

    @classmethod
    def of(cls, port: int, token: str, repository: str, blob: LargeBlob, chunk_bytes: int = 0) -> Put:
        part = blob.part
        return cls(port, token, repository, str(part.file), part.size_bytes, part.tail.hex(), blob.digest, chunk_bytes)

    def run(self, wire: Wire) -> None:
        whole = FilePart(Path(self.file), 0, self.size_bytes, bytes.fromhex(self.tail))
        location = wire.request("POST", f"/v2/{self.repository}/blobs/uploads/", 202).location
        if not self.chunk_bytes:
            wire.request("PUT", self._closing(location), 201, whole, _OCTETS)
            return
        for start in range(0, len(whole), self.chunk_bytes):
            chunk = _chunk(whole, start, self.chunk_bytes)
            headers = {**_OCTETS, "Content-Range": f"{start}-{start + len(chunk) - 1}"}
            location = wire.request("PATCH", location, 202, chunk, headers).location
        wire.request("PUT", self._closing(location), 201)

    def _closing(self, location: str) -> str:
        return f"{location}{'&' if '?' in location else '?'}digest={self.digest}"


_OCTETS = {"Content-Type": "application/octet-stream"}
Transfer = Get | Put


def _chunk(whole: FilePart, start: int, size_bytes: int) -> FilePart:
    within = min(size_bytes, whole.size_bytes - start)
    is_last = start + size_bytes >= len(whole)
    return FilePart(whole.file, start, within, whole.tail if is_last else b"")


def together(transfers: Sequence[Transfer]) -> float:
    """Do the transfers at one time.

    Returns:
        Seconds from their common start to the end of the last.

    Raises:
        ChildProcessError: one did not succeed; it has said why on standard error.
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(transfer)) for transfer in transfers]
        for process in processes:
            _await(process)
        started = time.perf_counter()
        for process in processes:
            _pipe(process.stdin).write("go\n")
            _pipe(process.stdin).flush()
        for process in processes:
            _await(process)
        return time.perf_counter() - started


def _process(transfer: Transfer) -> subprocess.Popen[str]:
    spelled = json.dumps({"kind": type(transfer).__name__, **asdict(transfer)})
    command = [sys.executable, "-m", "bench.load", spelled]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _await(process: subprocess.Popen[str]) -> None:
    if not _pipe(process.stdout).readline():
        raise ChildProcessError("a transfer did not succeed")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ValueError("this process has no such pipe")
    return pipe


def main(spelled: str) -> None:
    fields = json.loads(spelled)
    kinds: dict[str, Callable[..., Any]] = {"Get": Get, "Put": Put}
    transfer: Transfer = kinds[fields.pop("kind")](**fields)
    wire = Wire(transfer.port, transfer.token)
    print("ready", flush=True)
    sys.stdin.readline()
    transfer.run(wire)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
