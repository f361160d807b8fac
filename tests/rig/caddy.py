"""Caddy before a registry, with the very configuration that `examples/Caddyfile` gives to operators."""

import os
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.certificate import Certificate
from tests.rig.process import Background, free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "Caddyfile"


class Caddy:
    """Caddy that speaks TLS on a free loopback port and hands all on to a server."""

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

    def start(self, upstream: str) -> None:
        """Start it before `upstream` (`HOST:PORT`)."""
        self._folder.mkdir(parents=True)
        configuration = self._folder / "Caddyfile"
        configuration.write_text(self._configuration(upstream))
        arguments = [str(PEERS["caddy"].program), "run", "--config", str(configuration), "--adapter", "caddyfile"]
        pid = self._folder / "pid"
        self._process = Background(
            [*arguments, "--pidfile", str(pid)],
            log=self._folder / "log",
            environment={**os.environ, "HOME": str(self._folder), "XDG_DATA_HOME": str(self._folder)},
        )
        self._process.wait_until(pid.exists, what="caddy to write its pid")

    def _configuration(self, upstream: str) -> str:
        """The example, with this machine's addresses and files in the place of the operator's."""
        text = EXAMPLE.read_text()
        tls = f"tls {self._certificate.certificate} {self._certificate.key}"
        for theirs, ours in {
            "127.0.0.1:5000 {": f"{upstream} {{",
            "\n*.registry.example.com {": f"\n*.localhost:{self.port} {{",
            "\nregistry.example.com {": f"\nhttps://{self.host} {{\n\t{tls}",
            "tls /etc/ssl/roadstead/wildcard.pem /etc/ssl/roadstead/wildcard.key": tls,
        }.items():
            if theirs not in text:
                raise ValueError(f"{EXAMPLE} has no {theirs!r} any more")
            text = text.replace(theirs, ours)
        # No port for its administration, none for redirects, and no certificate of its own.
        return "{\n\tadmin off\n\tauto_https off\n}\n" + text

    def stop(self) -> None:
        if self._process:
            self._process.stop()
