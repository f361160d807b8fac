"""Runs the specification's own conformance program, where `OCI_CONFORMANCE` names it, against a server with auth on.

The program is built by hand from the conformance folder of opencontainers/distribution-spec; nothing of it is here.
"""

import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.rig.server import Account, Server

PROGRAM = os.environ.get("OCI_CONFORMANCE", "")

_EVERYTHING = {"OCI_API_BLOBS_UPLOAD_CANCEL": "true", "OCI_API_MANIFESTS_TAG_PARAM": "true"}
"""What the program leaves out of a run for 1.1 unless told otherwise."""

_LEFT_OUT = "Sparse Manifests"
"""Off in every version: a registry may refuse manifests that name what it does not have, as this one does."""

pytestmark = pytest.mark.skipif(not PROGRAM, reason="OCI_CONFORMANCE does not name the official conformance program")


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_the_official_program_passes(version: str, registry: Server, alice: Account, tmp_path: Path) -> None:
    done = _run(version, registry, alice, tmp_path)
    assert done.returncode == 0, _failures(tmp_path / "junit.xml") or done.stdout + done.stderr
    results = _results(tmp_path / "results.yaml")
    assert results.pop(_LEFT_OUT) == "Disabled"
    assert {name: status for name, status in results.items() if status != "Pass"} == {}
    counts = ET.parse(tmp_path / "junit.xml").getroot().attrib
    assert int(counts["tests"]) > 500
    assert {counts.get(name, "0") for name in ("failures", "errors", "skipped", "disabled")} == {"0"}


def _run(version: str, registry: Server, alice: Account, results: Path) -> subprocess.CompletedProcess[str]:
    slug = version.replace(".", "-")
    environment = {
        "PATH": os.environ["PATH"],
        "OCI_REGISTRY": registry.host,
        "OCI_TLS": "disabled",
        "OCI_REPO1": f"alice/official-{slug}/one",
        "OCI_REPO2": f"alice/official-{slug}/two",
        "OCI_USERNAME": alice.name,
        "OCI_PASSWORD": alice.password,
        "OCI_VERSION": version,
        "OCI_RESULTS_DIR": str(results),
        "OCI_LOG": "error",
        **_EVERYTHING,
    }
    return subprocess.run([PROGRAM], env=environment, cwd=results, capture_output=True, text=True, check=False)


def _results(file: Path) -> dict[str, str]:
    """Status by name, of the sections `apis` and `data`, which are flat."""
    found: dict[str, str] = {}
    section = ""
    for line in file.read_text().splitlines():
        name, _, value = line.partition(": ")
        if not line.startswith(" "):
            section = line.rstrip(":")
        elif section in ("apis", "data"):
            found[name.strip()] = value.strip()
    assert len(found) > 40, found
    return found


def _failures(file: Path) -> str:
    """What failed, with the program's own words."""
    if not file.exists():
        return ""
    cases = ET.parse(file).getroot().iter("testcase")
    failed = [case for case in cases if case.get("status") not in ("passed", "skipped")]
    return "\n".join(f"{case.get('name')}: {case.findtext('system-out')}" for case in failed)
