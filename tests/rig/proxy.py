"""nginx before a registry, as operators put it."""

from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.process import Background, free_port

_CONFIGURATION = """
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
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location / {{
            proxy_pass http://{upstream};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


class Proxy:
    """nginx on a free loopback port that hands all on to `upstream` (`HOST:PORT`)."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: Background | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, upstream: str) -> None:
        self._folder.mkdir(parents=True)
        configuration = self._folder / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(folder=self._folder, port=self.port, upstream=upstream))
        arguments = [str(PEERS["nginx"].program), "-c", str(configuration), "-p", str(self._folder), "-e", "stderr"]
        self._process = Background(arguments, log=self._folder / "log")
        self._process.wait_until((self._folder / "pid").exists, what="nginx to write its pid")

    def stop(self) -> None:
        if self._process:
            self._process.stop()
