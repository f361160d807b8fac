"""A config of many megabytes under a descriptor that says it is small is not read into memory."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.conformance.client import Client, shown
from tests.conformance.content import CONFIG, OCI_CONFIG, OCI_MANIFEST, Blob, as_json, image
from tests.rig.server import Server

_MIB = 1024 * 1024


def _most_memory_bytes(pid: int) -> int:
    """The largest resident size that the process has had (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status has no VmHWM line")


def test_a_config_larger_than_it_claims(registry: Server, clients: Mapping[str, Client]) -> None:
    alice, repository = clients["alice"], "alice/large-config"
    large = Blob(b"[" + b"0," * (100 * _MIB) + b"0]", OCI_CONFIG)
    alice.push_blob(repository, large)
    fields = json.loads(image().data)
    fields["config"] = {**CONFIG.descriptor(), "digest": large.digest}
    before = {pid: _most_memory_bytes(pid) for pid in registry.worker_pids()}
    answer = alice.request(
        "PUT", f"/v2/{repository}/manifests/t", content=as_json(fields), headers={"content-type": OCI_MANIFEST}
    )
    assert answer.status_code in (201, 400), shown(answer)
    for pid, size in before.items():
        assert _most_memory_bytes(pid) - size < 64 * _MIB
