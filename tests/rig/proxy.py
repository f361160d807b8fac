"""nginx before a registry, with the very configuration that `examples/nginx.conf` gives to operators."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.process import Background, free_port
from tests.rig.tls_front import TlsFront, adapted

EXAMPLE = Path(__file__).parents[2] / "examples" / "nginx.conf"

_AROUND = """
daemon off;
user root;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Proxy(TlsFront):
    """nginx that speaks TLS on a free loopback port and hands all on to a server."""

    def start(self, upstream: str) -> None:
        """Start it before `upstream` (`HOST:PORT`)."""
        self._folder.mkdir(parents=True)
        (self._folder / "site.conf").write_text(self._site(upstream))
        (self._folder / "nginx.conf").write_text(_AROUND.format(folder=self._folder))
        arguments = [str(PEERS["nginx"].program), "-c", str(self._folder / "nginx.conf"), "-p", str(self._folder)]
        self._process = Background([*arguments, "-e", "stderr"], log=self._folder / "log")
        self._process.wait_until((self._folder / "pid").exists, what="nginx to write its pid")

    def _site(self, upstream: str) -> str:
        """The example, with this machine's addresses and files in the place of the operator's."""
        places = {
            "server 127.0.0.1:5000;": f"server {upstream};",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen {self.host} ssl;",
            "/etc/ssl/roadstead/fullchain.pem": str(self._certificate.certificate),
            "/etc/ssl/roadstead/privkey.pem": str(self._certificate.key),
        }
        return adapted(EXAMPLE, places)
