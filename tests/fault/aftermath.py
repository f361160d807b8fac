"""What must hold of a server after any kill, by what its clients were told before."""

from __future__ import annotations

import json
from typing import Any

import httpx

from roadstead.core.atproto import atcr
from roadstead.core.atproto.car import read_car
from roadstead.core.atproto.dagcbor import decode_map
from roadstead.core.atproto.did import Did
from roadstead.core.atproto.diddocument import DidDocument
from roadstead.core.atproto.snapshot import verify_snapshot
from tests.conformance.client import Client, shown
from tests.fault.ledger import Key, Ledger
from tests.fault.pushers import ACCOUNT, BLOBS, IMAGES
from tests.rig import referees
from tests.rig.server import Account, Server


class Aftermath:
    """Looks at everything that was ever asked for. What was uncertain before is certain afterwards."""

    def __init__(self, server: Server, account: Account, ledger: Ledger) -> None:
        self._server = server
        self._account = account
        self._ledger = ledger

    def check(self) -> None:
        """All that clients can see."""
        with Client(self._server.url, (self._account.name, self._account.password)) as client:
            for repository in self._ledger.repositories():
                self._blobs(client, repository)
                self._manifests(client, repository)
                self._tags(client, repository)
        self._records()

    def verify(self) -> None:
        """`roadstead verify` finds no damage."""
        report = json.loads(self._server.run("verify", "--json"))
        assert report["findings"] == []

    def collect(self) -> None:
        """Garbage collection without any grace takes no manifest, and nothing that one needs.

        Blobs that no manifest needs are gone then.
        """
        self._server.environment["ROADSTEAD_GC_GRACE_HOURS"] = "0"
        report = json.loads(self._server.run("gc", "--json"))
        assert report["manifests"] == 0
        for repository in self._ledger.repositories():
            manifests = [key for key in self._ledger.keys("manifest", repository) if self._ledger.may_be_there(key)]
            needed = {part.digest for key in manifests for part in IMAGES[key.name].needs}
            for key in self._ledger.keys("blob", repository):
                if key.name not in needed:
                    self._ledger.may(key, None)
        self.check()

    def _blobs(self, client: Client, repository: str) -> None:
        for key in self._ledger.keys("blob", repository):
            answer = client.request("GET", f"/v2/{repository}/blobs/{key.name}")
            self._certain(key, answer, BLOBS[key.name].data)

    def _manifests(self, client: Client, repository: str) -> None:
        for key in self._ledger.keys("manifest", repository):
            answer = client.request("GET", f"/v2/{repository}/manifests/{key.name}")
            if self._certain(key, answer, IMAGES[key.name].data):
                for part in IMAGES[key.name].needs:
                    found = client.request("HEAD", f"/v2/{repository}/blobs/{part.digest}")
                    assert found.status_code == 200, shown(found)

    def _tags(self, client: Client, repository: str) -> None:
        found: dict[str, str] = {}
        for key in self._ledger.keys("tag", repository):
            answer = client.request("GET", f"/v2/{repository}/manifests/{key.name}")
            digest = answer.headers["docker-content-digest"] if answer.status_code == 200 else None
            assert digest in self._ledger.possible(key), shown(answer)
            self._ledger.did(key, digest)
            if digest is None:
                assert answer.status_code == 404, shown(answer)
                continue
            assert answer.content == IMAGES[digest].data
            assert self._ledger.possible(Key("manifest", repository, digest)) == {digest}
            found[key.name] = digest
        listed = client.request("GET", f"/v2/{repository}/tags/list")
        if listed.status_code == 404 and not self._is_any_there(repository):
            return  # killed before anything was in it
        assert listed.status_code == 200, shown(listed)
        assert listed.json()["tags"] == sorted(found)

    def _is_any_there(self, repository: str) -> bool:
        keys = [key for kind in ("blob", "manifest", "tag") for key in self._ledger.keys(kind, repository)]
        return any(self._ledger.may_be_there(key) for key in keys)

    def _certain(self, key: Key, answer: httpx.Response, content: bytes) -> bool:
        """Whether it is there, which it is wholly or not at all."""
        assert answer.status_code in (200, 404), shown(answer)
        is_there = answer.status_code == 200
        value = key.name if is_there else None
        assert value in self._ledger.possible(key), f"{self._ledger.possible(key)}:\n{shown(answer)}"
        if is_there:
            assert answer.content == content
        self._ledger.did(key, value)
        return is_there

    def _records(self) -> None:
        """The account's export proves itself, and says of every manifest and tag what the registry says."""
        records = exported(self._server, ACCOUNT)
        assert self._recorded(records, atcr.MANIFEST) == self._expected("manifest")
        assert self._recorded(records, atcr.TAG) == self._expected("tag")

    @staticmethod
    def _recorded(records: dict[str, dict[str, Any]], collection: str) -> list[Key]:
        found = []
        for path, record in records.items():
            if path.startswith(f"{collection}/"):
                repository = f"{ACCOUNT}/{record['repository']}"
                if collection == atcr.TAG:
                    tag = atcr.read_tag_record(record)
                    found.append(Key("tag", repository, f"{tag.tag} {tag.digest}"))
                else:
                    found.append(Key("manifest", repository, str(atcr.read_manifest_record(record).digest)))
        return sorted(found, key=str)

    def _expected(self, kind: str) -> list[Key]:
        found = []
        for repository in self._ledger.repositories():
            for key in self._ledger.keys(kind, repository):
                (value,) = self._ledger.possible(key)
                if value is not None:
                    found.append(Key(kind, repository, f"{key.name} {value}" if kind == "tag" else value))
        return sorted(found, key=str)


def exported(server: Server, name: str) -> dict[str, dict[str, Any]]:
    """The records in an account's export, by their paths, once all of it is proved."""
    did = Did.parse(f"did:web:{name}.localhost")
    car = httpx.get(f"{server.url}/xrpc/com.atproto.sync.getRepo", params={"did": str(did)}, timeout=60)
    assert car.status_code == 200, shown(car)
    document = httpx.get(f"{server.url}/.well-known/did.json", headers={"host": f"{name}.localhost"})
    key = DidDocument.parse(document.json()).signing_key
    roots, blocks = read_car(car.content)
    snapshot = verify_snapshot(roots, blocks, did, key)
    assert referees.arroba_verifies(blocks[snapshot.cid], key)
    return {path: decode_map(blocks[cid]) for path, cid in snapshot.records.items()}
