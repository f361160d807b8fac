"""What the tests' reverse proxies have in common: TLS on a free loopback port, and an operator's example to run."""

from collections.abc import Mapping
from pathlib import Path

from tests.rig.certificate import Certificate
from tests.rig.process import Background, free_port


class TlsFront:
    """A proxy that speaks TLS on a free loopback port and hands all on to a server."""

    def __init__(self, folder: Path, certificate: Certificate) -> None:
        self.port = free_port()
        self._folder = folder
        self._certificate = certificate
        self._process: Background | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> Background:
        if self._process is None:
            raise RuntimeError("this proxy was not started")
        return self._process

    def stop(self) -> None:
        if self._process:
            self._process.stop()


def adapted(example: Path, places: Mapping[str, str]) -> str:
    """The example, with this machine's addresses and files in the place of the operator's.

    Raises:
        ValueError: it has one of the places no more.
    """
    text = example.read_text()
    for theirs, ours in places.items():
        if theirs not in text:
            raise ValueError(f"{example} has no {theirs!r} any more")
        text = text.replace(theirs, ours)
    return text
