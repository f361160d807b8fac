"""The foreign load generators: `wrk`, `ab` for HEAD (on whose answers wrk hangs), and skopeo for whole images."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

from tests.peers.table import PEERS
from tests.rig.layout import Layout

from bench.content import OCI_MANIFEST
from bench.servers import REPOSITORY, Contender

CONNECTIONS = 32


class LoadFailed(Exception):
    """A load generator did not do what it was told, or got answers that are no success."""


def gets_per_s(contender: Contender, path: str, seconds: float) -> float:
    """GETs a second at 32 connections, by wrk with one thread."""
    output = _run(
        str(PEERS["wrk"].program),
        *("-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-H", f"Authorization: Bearer {contender.token()}"),
        # distribution answers 404 to who does not accept the manifest's type.
        *("-H", f"Accept: {OCI_MANIFEST}"),
        f"http://127.0.0.1:{contender.port}{path}",
    )
    if "Non-2xx" in output or "Socket errors" in output:
        raise LoadFailed(output)
    return _number(r"Requests/sec:\s+([\d.]+)", output)


def heads_per_s(contender: Contender, path: str, seconds: float) -> float:
    """HEADs a second at 32 connections, by ab."""
    output = _run(
        str(PEERS["ab"].program),
        *("-q", "-i", "-k", "-c", str(CONNECTIONS), "-t", f"{max(1, round(seconds))}", "-n", "10000000"),
        *("-H", f"Authorization: Bearer {contender.token()}", f"http://127.0.0.1:{contender.port}{path}"),
    )
    if "Non-2xx" in output or _number(r"Failed requests:\s+(\d+)", output):
        raise LoadFailed(output)
    return _number(r"Requests per second:\s+([\d.]+)", output)


def push_seconds(contender: Contender, layout: Layout, tag: str) -> float:
    """How long skopeo takes to push the image."""
    target = f"docker://127.0.0.1:{contender.port}/{REPOSITORY}:{tag}"
    return _seconds(
        *("copy", "--quiet", "--dest-tls-verify=false", "--dest-registry-token", contender.token()),
        *(f"oci:{layout.folder}:1", target),
    )


def pull_seconds(contender: Contender, tag: str, folder: Path) -> float:
    """How long skopeo takes to pull the image into an empty folder."""
    source = f"docker://127.0.0.1:{contender.port}/{REPOSITORY}:{tag}"
    try:
        return _seconds(
            *("copy", "--quiet", "--src-tls-verify=false", "--src-registry-token", contender.token()),
            *(source, f"oci:{folder}:1"),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _seconds(*arguments: str) -> float:
    started = time.perf_counter()
    _run(str(PEERS["skopeo"].program), *arguments)
    return time.perf_counter() - started


def _run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise LoadFailed(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _number(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise LoadFailed(output)
    return float(found[1])
