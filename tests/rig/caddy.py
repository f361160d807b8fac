"""Caddy before a registry, with the very configuration that `examples/Caddyfile` gives to operators."""

import os
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.process import Background
from tests.rig.tls_front import TlsFront, adapted

EXAMPLE = Path(__file__).parents[2] / "examples" / "Caddyfile"


class Caddy(TlsFront):
    """Caddy that speaks TLS on a free loopback port and hands all on to a server."""

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
        tls = f"tls {self._certificate.certificate} {self._certificate.key}"
        places = {
            "127.0.0.1:5000 {": f"{upstream} {{",
            "\n*.registry.example.com {": f"\n*.localhost:{self.port} {{",
            "\nregistry.example.com {": f"\nhttps://{self.host} {{\n\t{tls}",
            "tls /etc/ssl/roadstead/wildcard.pem /etc/ssl/roadstead/wildcard.key": tls,
        }
        # No port for its administration, none for redirects, and no certificate of its own.
        return "{\n\tadmin off\n\tauto_https off\n}\n" + adapted(EXAMPLE, places)
