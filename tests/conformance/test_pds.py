"""The embedded PDS of a real server, used and judged by foreign implementations of AT Protocol."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.commit import Commit
from roadstead.core.atproto.diddocument import DidDocument
from roadstead.core.atproto.multikey import did_key
from tests.conformance.client import Client, shown
from tests.conformance.content import CONFIG, IMAGE, Blob, image, noise
from tests.peers.table import PEERS
from tests.rig import referees
from tests.rig.atproto import sdk_client, subscribed
from tests.rig.server import Account, Server, Servers

THING = "com.example.thing"
ALICE = "did:web:alice.localhost"


@pytest.fixture(scope="module")
def sdk(registry: Server, alice: Account) -> Iterator[Any]:
    """The SDK's client, logged in as alice."""
    with sdk_client(registry, alice) as client:
        yield client


def get(server: Server, method: str, **parameters: Any) -> httpx.Response:
    return httpx.get(f"{server.url}/xrpc/{method}", params=parameters, timeout=30)


def did_document(server: Server, handle: str) -> DidDocument:
    """The account's document, where a resolver of did:web looks for it: at the account's own host."""
    answer = httpx.get(f"{server.url}/.well-known/did.json", headers={"host": f"{handle}:{server.port}"})
    assert answer.status_code == 200, shown(answer)
    referees.sdk_did_document(answer.json())
    return DidDocument.parse(answer.json())


def verified(server: Server, did: str, handle: str) -> dict[str, dict[str, Any]]:
    """The records of an export, by their paths, once foreign libraries have found everything in order.

    carbox splits the file, arroba hashes every block and walks the tree, builds it anew from its leaves, and checks
    the signature against the DID document; `dag_cbor` reads the records.
    """
    car = get(server, "com.atproto.sync.getRepo", did=did)
    assert car.headers["content-type"] == "application/vnd.ipld.car"
    (root,), blocks = referees.carbox_blocks(car.content)
    for cid, block in blocks.items():
        assert Cid.from_bytes(cid).matches(block)
    commit = Commit.decode(blocks[root])
    assert str(commit.did) == did
    assert referees.arroba_verifies(blocks[root], did_document(server, handle).signing_key)
    leaves = referees.arroba_leaves(commit.data, blocks.values())
    rebuilt = referees.arroba_root((path, Cid.parse(cid)) for path, cid in leaves.items())
    assert rebuilt == str(commit.data)
    return {path: referees.foreign(blocks[Cid.parse(cid).raw]) for path, cid in leaves.items()}


class TestExport:
    def test_is_what_was_written(self, registry: Server, sdk: Any) -> None:
        for number in range(150):
            record = {"$type": THING, "number": number}
            sdk.com.atproto.repo.put_record(
                {"repo": ALICE, "collection": THING, "rkey": f"k{number % 100}", "record": record}
            )
        for number in range(0, 100, 3):
            sdk.com.atproto.repo.delete_record({"repo": ALICE, "collection": THING, "rkey": f"k{number}"})
        found = verified(registry, ALICE, "alice.localhost")
        numbers = {path: record["number"] for path, record in found.items() if path.startswith(f"{THING}/k")}
        expected = {f"{THING}/k{n}": n + 100 if n < 50 else n for n in range(100) if n % 3}
        assert numbers == expected

    @pytest.mark.peer("atproto")
    def test_is_accepted_by_the_reference_implementation(
        self, registry: Server, clients: Mapping[str, Client], tmp_path: Path
    ) -> None:
        clients["alice"].push("alice/pds-export", IMAGE, "t")
        car = tmp_path / "alice.car"
        car.write_bytes(get(registry, "com.atproto.sync.getRepo", did=ALICE).content)
        key = did_key(did_document(registry, "alice.localhost").signing_key)
        command = ["node", str(PEERS["atproto"].program), str(car), ALICE, key]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        latest = get(registry, "com.atproto.sync.getLatestCommit", did=ALICE).json()
        read = json.loads(done.stdout)
        assert (read["commit"], read["rev"]) == (latest["cid"], latest["rev"])

    def test_of_an_account_without_records(self, registry: Server) -> None:
        name = registry.account("carol").name
        assert verified(registry, f"did:web:{name}.localhost", f"{name}.localhost") == {}

    def test_since_a_revision_leaves_out_what_is_older(self, registry: Server, sdk: Any) -> None:
        rev = get(registry, "com.atproto.sync.getLatestCommit", did=ALICE).json()["rev"]
        made = sdk.com.atproto.repo.create_record(
            {"repo": ALICE, "collection": THING, "record": {"$type": THING, "new": True}}
        )
        whole = get(registry, "com.atproto.sync.getRepo", did=ALICE).content
        since = get(registry, "com.atproto.sync.getRepo", did=ALICE, since=rev).content
        assert len(since) < len(whole)
        assert Cid.parse(made.cid).raw in referees.carbox_blocks(since)[1]


class TestPush:
    def test_is_one_signed_commit_with_both_records(self, registry: Server, clients: Mapping[str, Client]) -> None:
        pushed = image(Blob(noise(777, seed=777)))
        head = get(registry, "com.atproto.sync.getLatestCommit", did=ALICE).json()
        clients["alice"].push("alice/pds/sub", pushed, "v1")
        records = verified(registry, ALICE, "alice.localhost")
        hexes = pushed.digest.partition(":")[2]
        manifest, tag = records[f"io.atcr.manifest/{hexes}"], records["io.atcr.tag/pds-sub_v1"]
        assert (manifest["repository"], manifest["digest"]) == ("pds/sub", pushed.digest)
        assert manifest["config"] == CONFIG.descriptor()
        assert (tag["repository"], tag["tag"], tag["manifestDigest"]) == ("pds/sub", "v1", pushed.digest)
        assert tag["manifest"] == f"at://{ALICE}/io.atcr.manifest/{hexes}"
        since = get(registry, "com.atproto.sync.getRepo", did=ALICE, since=head["rev"]).content
        (root,), _ = referees.carbox_blocks(since)
        assert str(Cid.from_bytes(root)) != head["cid"]

    def test_keeps_the_exact_bytes_as_a_blob(self, registry: Server, clients: Mapping[str, Client]) -> None:
        clients["alice"].push("alice/pds-blob", IMAGE, "t")
        cid = str(Cid.of_blob(IMAGE.data))
        answer = get(registry, "com.atproto.sync.getBlob", did=ALICE, cid=cid)
        assert answer.content == IMAGE.data
        assert answer.headers["content-type"] == IMAGE.media_type
        listed = get(registry, "com.atproto.sync.listBlobs", did=ALICE, limit=1000).json()["cids"]
        assert cid in listed

    def test_by_xrpc_alone_shows_in_the_registry(
        self, registry: Server, clients: Mapping[str, Client], sdk: Any
    ) -> None:
        """A tag that is moved and deleted as a record moves and goes in the registry too."""
        first, second = image(Blob(noise(300, seed=5))), image(Blob(noise(300, seed=6)))
        clients["alice"].push("alice/pds-xrpc", second, "t")
        clients["alice"].push("alice/pds-xrpc", first, "t")
        key = {"repo": ALICE, "collection": "io.atcr.tag", "rkey": "pds-xrpc_t"}
        record = get(registry, "com.atproto.repo.getRecord", **key).json()["value"]
        record["manifestDigest"] = second.digest
        sdk.com.atproto.repo.put_record({**key, "record": record})
        manifest = clients["nobody"].request("GET", "/v2/alice/pds-xrpc/manifests/t")
        assert manifest.headers["docker-content-digest"] == second.digest
        sdk.com.atproto.repo.delete_record(key)
        assert clients["nobody"].request("GET", "/v2/alice/pds-xrpc/manifests/t").status_code == 404


class TestFirehose:
    def test_is_one_stream_for_all_subscribers_on_all_workers(self, registry: Server, sdk: Any) -> None:
        with subscribed(registry, 0) as first, subscribed(registry, 0) as second, subscribed(registry, 0) as third:
            for number in range(20):
                sdk.com.atproto.repo.create_record(
                    {"repo": ALICE, "collection": THING, "record": {"$type": THING, "streamed": number}}
                )
            head = get(registry, "com.atproto.sync.getLatestCommit", did=ALICE).json()["cid"]
            seen: list[Any] = []
            while not seen or getattr(seen[-1], "commit", None) is None or str(seen[-1].commit) != head:
                seen.append(first.next())
            numbers = [message.seq for message in seen]
            assert numbers == sorted(set(numbers))
            for other in (second, third):
                assert [message.seq for message in other.until(numbers[-1])] == numbers

    def test_goes_on_after_a_cursor_without_a_gap(self, registry: Server, sdk: Any) -> None:
        with subscribed(registry, 0) as reader:
            first = [reader.next() for _ in range(3)]
        with subscribed(registry, first[-1].seq) as reader:
            following = reader.next()
        with subscribed(registry, 0) as reader:
            assert [reader.next().seq for _ in range(4)] == [*(message.seq for message in first), following.seq]
        with subscribed(registry) as reader:
            made = None
            # The subscriber is there some time after it has been started: it is told of what comes then.
            while made is None or not _arrived(reader):
                made = sdk.com.atproto.repo.create_record(
                    {"repo": ALICE, "collection": THING, "record": {"$type": THING}}
                )

    def test_each_commit_can_be_undone_from_its_own_blocks(
        self, registry: Server, clients: Mapping[str, Client]
    ) -> None:
        clients["alice"].push("alice/pds-stream", image(Blob(noise(50, seed=50))), "t")
        head = get(registry, "com.atproto.sync.getLatestCommit", did=ALICE).json()["cid"]
        previous: dict[str, Any] = {}
        with subscribed(registry, 0) as reader:
            while (message := reader.next()) is not None:
                if not hasattr(message, "ops"):
                    continue
                if message.repo in previous:
                    assert message.since == previous[message.repo].rev
                previous[message.repo] = message
                (root,), blocks = referees.carbox_blocks(message.blocks)
                assert Cid.from_bytes(root).raw in blocks
                if str(message.commit) == head:
                    break
        paths = {op.path.partition("/")[0] for op in message.ops}
        assert paths == {"io.atcr.manifest", "io.atcr.tag"}


def _arrived(reader: Any) -> bool:
    try:
        return bool(reader.next(deadline_s=1))
    except TimeoutError:
        return False


class TestIdentity:
    @pytest.mark.usefixtures("alice")
    def test_a_handle_resolves_both_ways(self, registry: Server) -> None:
        answer = get(registry, "com.atproto.identity.resolveHandle", handle="ALICE.localhost")
        assert answer.json() == {"did": ALICE}
        well_known = httpx.get(
            f"{registry.url}/.well-known/atproto-did", headers={"host": f"alice.localhost:{registry.port}"}
        )
        assert well_known.text == ALICE
        document = did_document(registry, "alice.localhost")
        assert str(document.did) == ALICE
        assert str(document.handle) == "alice.localhost"

    @pytest.mark.parametrize("host", ["nobody.localhost", "127.0.0.1", "a..b", "x" * 300])
    def test_a_host_that_is_nobodys_has_no_document(self, registry: Server, host: str) -> None:
        for path in ("did.json", "atproto-did"):
            answer = httpx.get(f"{registry.url}/.well-known/{path}", headers={"host": host})
            assert answer.status_code == 404, shown(answer)

    def test_a_handle_of_nobody_is_not_found(self, registry: Server) -> None:
        for handle in ("nobody.localhost", "alice.example.org"):
            answer = get(registry, "com.atproto.identity.resolveHandle", handle=handle)
            assert (answer.status_code, answer.json()["error"]) == (400, "HandleNotFound")


class TestSessions:
    def test_are_refreshed_once(self, registry: Server, sdk: Any) -> None:
        assert sdk.com.atproto.server.get_session().did == ALICE
        used = sdk.export_session_string().split(":::")[3]
        refreshed = httpx.post(
            f"{registry.url}/xrpc/com.atproto.server.refreshSession", headers={"authorization": f"Bearer {used}"}
        ).json()
        assert refreshed["did"] == ALICE
        refused = httpx.post(
            f"{registry.url}/xrpc/com.atproto.server.refreshSession", headers={"authorization": f"Bearer {used}"}
        )
        assert refused.json()["error"] == "InvalidToken", "a refresh token is good once"

    def test_and_the_registrys_tokens_are_not_good_for_each_other(self, registry: Server, alice: Account) -> None:
        answer = httpx.get(
            f"{registry.url}/auth/token",
            params={"service": "localhost", "scope": "repository:alice/app:pull,push"},
            auth=(alice.name, alice.password),
        )
        token = answer.json()["token"]
        refused = httpx.get(
            f"{registry.url}/xrpc/com.atproto.server.getSession", headers={"authorization": f"Bearer {token}"}
        )
        assert refused.json()["error"] == "InvalidToken"
        session = httpx.post(
            f"{registry.url}/xrpc/com.atproto.server.createSession",
            json={"identifier": ALICE, "password": alice.password},
        ).json()
        for kind in ("accessJwt", "refreshJwt"):
            refused = httpx.get(f"{registry.url}/v2/", headers={"authorization": f"Bearer {session[kind]}"})
            assert refused.status_code == 401

    def test_accounts_are_not_made_by_anybody(self, registry: Server) -> None:
        answer = httpx.post(
            f"{registry.url}/xrpc/com.atproto.server.createAccount", json={"handle": "mallory.localhost"}
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidInviteCode")


def test_publish_hide_and_rehost_beside_a_running_server(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    server = servers.start(workers=2)
    try:
        account = server.account("alice")
        with Client(server.url, (account.name, account.password)) as client, Client(server.url) as nobody:
            client.push("alice/app", IMAGE, "t")
            assert len(verified(server, ALICE, "alice.localhost")) == 2
            assert "cannot be recalled" in server.run("repo", "hide", "alice/app")
            assert verified(server, ALICE, "alice.localhost") == {}
            assert nobody.request("GET", "/v2/alice/app/manifests/t").status_code == 401
            assert client.request("GET", "/v2/alice/app/manifests/t").content == IMAGE.data
            cid = str(Cid.of_blob(IMAGE.data))
            assert get(server, "com.atproto.sync.getBlob", did=ALICE, cid=cid).status_code == 400
            server.run("repo", "publish", "alice/app")
            assert len(verified(server, ALICE, "alice.localhost")) == 2
            assert nobody.request("GET", "/v2/alice/app/manifests/t").content == IMAGE.data
            server.run("rehost", "https://reg.example.org", "--yes")
            moved = "did:web:alice.reg.example.org"
            assert len(verified(server, moved, "alice.reg.example.org")) == 2
            for name in ("alice", "alice.localhost", "alice.reg.example.org", "did-web-alice.localhost"):
                assert nobody.request("GET", f"/v2/{name}/app/manifests/t").content == IMAGE.data
            client.push("alice/app", IMAGE, "after")
            assert len(verified(server, moved, "alice.reg.example.org")) == 3
    finally:
        servers.stop()


def test_an_old_cursor_is_told_so(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    server = servers.start(workers=1, backlog_hours="0")
    try:
        for name in ("alice", "bob"):
            server.account(name)
        server.run("gc")
        with subscribed(server, 0) as reader:
            notice = reader.next()
            assert notice.name == "OutdatedCursor"
            assert reader.next().seq == 6
    finally:
        servers.stop()
