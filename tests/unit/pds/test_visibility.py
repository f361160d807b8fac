"""Publishing and hiding: all of a repository's records move, and nothing public tells of them any more."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from roadstead.core.atproto import atcr
from roadstead.core.atproto.car import read_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.firehose import Frame
from roadstead.core.atproto.writes import Write
from roadstead.core.errors import Conflict, UnknownName
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import OCI_MANIFEST, parse
from roadstead.index import garbage, links
from roadstead.index import repositories as repository_rows
from roadstead.index.garbage import Rules
from roadstead.index.tables import host_aliases, pds_blob_references, pds_blobs, pds_events, pds_nodes, pds_records
from roadstead.pds import events
from roadstead.pds.record_store import PdsRecordStore
from roadstead.pds.rehost import Place, rehost
from roadstead.registry.private_records import PrivateRecordStore
from roadstead.registry.visibility import Visibilities
from tests.unit.pds.conftest import BOTH_KINDS, NOW_MS, World

DID = "did:web:alice.localhost"


class Registry:
    """Repositories of alice, pushed to as the registry pushes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.public = PdsRecordStore(world.database, world.memory)
        self.private = PrivateRecordStore(world.database)
        self.visibilities = Visibilities(self.public, self.private)
        self.account_id = world.account("alice")

    def push(self, path: str, tag: str, content: str, visibility: str = "public") -> Digest:
        """One manifest with one tag."""
        config = {"mediaType": "a/b", "digest": str(Digest.of(content.encode())), "size": 1}
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()
        digest = Digest.of(body)
        blob = BlobRef(Cid.of_blob(body), OCI_MANIFEST, len(body))

        def work(connection: Connection) -> None:
            row = repository_rows.create(connection, self.account_id, path, visibility, NOW_MS)
            store = self.public if row.visibility == "public" else self.private

            def get(collection: str) -> Any:
                return lambda rkey: store.get(connection, self.account_id, collection, rkey)

            rkey = atcr.manifest_rkey(path, digest, get(atcr.MANIFEST))
            uri = f"at://{self.world.hosted('alice').did}/{atcr.MANIFEST}/{rkey}"
            manifest = atcr.manifest_record(path, digest, parse(body, None), blob, created_at="x", hold_did="did:web:h")
            tag_rkey = atcr.tag_rkey(path, tag, get(atcr.TAG))
            writes = [
                Write.put(atcr.MANIFEST, rkey, manifest),
                Write.put(atcr.TAG, tag_rkey, atcr.tag_record(path, tag, digest, uri, created_at="x")),
            ]
            store.apply(connection, self.account_id, writes)

        self.world.database.write_now(work)
        return digest

    def hide(self, name: str) -> None:
        self.world.database.write_now(lambda c: self.visibilities.hide(c, name, now_ms=NOW_MS))

    def publish(self, name: str) -> None:
        self.world.database.write_now(lambda c: self.visibilities.publish(c, name, now_ms=NOW_MS))

    def avatar(self, path: str) -> Digest:
        """Names a picture, uploaded long ago, in the repository's page."""
        picture = b"a picture"
        digest, ref = Digest.of(picture), BlobRef(Cid.of_blob(picture), "image/png", len(picture))
        page = {"$type": atcr.REPOSITORY_PAGE, "repository": path, "avatar": ref.value()}

        def work(connection: Connection) -> None:
            links.put_blob(connection, str(digest), len(picture), NOW_MS)
            self.public.apply(connection, self.account_id, [Write.put(atcr.REPOSITORY_PAGE, path, page)])

        self.world.database.write_now(work)
        return digest

    def garbage(self) -> list[str]:
        """The blobs that a collection long after this would remove."""
        rules = Rules(now_ms=NOW_MS + 1000, grace_ms=1, untagged_ms=None, backlog_ms=0)
        found = self.world.database.read_now(lambda connection: garbage.blobs_page(connection, rules, "", 10))
        return [blob.digest for blob in found]

    def tags(self, store: PdsRecordStore | PrivateRecordStore) -> dict[str, Any]:
        """The tag records by repository and tag, each checked to name a manifest record of its repository."""

        def work(connection: Connection) -> dict[str, Any]:
            found = {}
            for _, value in store.records(connection, self.account_id, atcr.TAG):
                manifest_rkey = value["manifest"].rpartition("/")[2]
                manifest = store.get(connection, self.account_id, atcr.MANIFEST, manifest_rkey)
                assert manifest is not None
                assert (manifest["repository"], manifest["digest"]) == (value["repository"], value["manifestDigest"])
                found[f"{value['repository']}:{value['tag']}"] = value
            return found

        return self.world.database.read_now(work)

    def everything_public(self) -> bytes:
        """All bytes that the PDS could give to anybody."""

        def work(connection: Connection) -> bytes:
            tables = (pds_records, pds_nodes, pds_events, pds_blobs, pds_blob_references)
            return b"".join(
                value if isinstance(value, bytes) else str(value).encode()
                for table in tables
                for row in connection.execute(sa.select(table))
                for value in row
            )

        return self.world.database.read_now(work)

    def frames(self) -> list[Frame]:
        numbered = self.world.database.read_now(lambda connection: events.after(connection, 0, 1000, 10**9))
        return [Frame.decode(one.event.frame(one.seq)) for one in numbered]


@pytest.fixture
def registry(world: World) -> Registry:
    return Registry(world)


@BOTH_KINDS
class TestHide:
    def test_leaves_no_trace_of_the_repository_in_public(self, registry: Registry) -> None:
        digest = registry.push("hush-hush", "release-of-tomorrow", "secret")
        registry.push("open", "1.0", "known")
        before = registry.everything_public()
        traces = [b"hush-hush", b"release-of-tomorrow", digest.hex.encode(), bytes.fromhex(digest.hex)]
        assert all(trace in before for trace in traces)
        registry.hide("alice/hush-hush")
        after = registry.everything_public()
        assert [trace for trace in traces if trace in after] == []
        assert b"hush-hush" not in registry.world.export("alice")
        assert registry.tags(registry.private).keys() == {"hush-hush:release-of-tomorrow"}
        assert registry.tags(registry.public).keys() == {"open:1.0"}
        registry.world.leaves("alice")

    def test_tells_subscribers_to_fetch_the_repository_anew(self, registry: Registry) -> None:
        registry.push("app", "1.0", "secret")
        registry.hide("alice/app")
        frames = registry.frames()
        assert [frame.kind for frame in frames] == ["#identity", "#account", "#sync"]
        there = registry.world.hosted("alice")
        blocks = frames[-1].payload["blocks"]
        assert isinstance(blocks, bytes)
        assert read_car(blocks) == ((there.head.cid,), {there.head.cid: there.commit_block})

    def test_leaves_other_accounts_backlog_alone(self, registry: Registry) -> None:
        registry.world.account("bob")
        registry.push("app", "1.0", "secret")
        before = [frame for frame in registry.frames() if frame.payload.get("repo") == "did:web:bob.localhost"]
        registry.hide("alice/app")
        assert [one for one in registry.frames() if one.payload.get("repo") == "did:web:bob.localhost"] == before

    def test_keeps_a_blob_that_a_public_repository_names_too(self, registry: Registry) -> None:
        digest = registry.push("app", "1.0", "same")
        assert registry.push("open", "1.0", "same") == digest
        registry.hide("alice/app")
        assert digest.hex.encode() in registry.everything_public()
        registry.hide("alice/open")
        assert digest.hex.encode() not in registry.everything_public()

    def test_keeps_the_bytes_of_what_a_hidden_record_names(self, registry: Registry) -> None:
        registry.push("app", "1.0", "x")
        digest = registry.avatar("app")
        registry.hide("alice/app")
        assert digest.hex.encode() not in registry.everything_public()
        assert registry.garbage() == []
        registry.publish("alice/app")
        assert registry.garbage() == []
        registry.hide("alice/app")
        gone = [Write.discard(atcr.REPOSITORY_PAGE, "app")]
        registry.world.database.write_now(lambda c: registry.private.apply(c, registry.account_id, gone))
        assert registry.garbage() == [str(digest)]

    def test_a_hidden_record_that_names_something_else_lets_the_former_go(self, registry: Registry) -> None:
        registry.push("app", "1.0", "x")
        digest = registry.avatar("app")
        registry.hide("alice/app")
        plain = [Write.put(atcr.REPOSITORY_PAGE, "app", {"$type": atcr.REPOSITORY_PAGE, "repository": "app"})]
        registry.world.database.write_now(lambda c: registry.private.apply(c, registry.account_id, plain))
        assert registry.garbage() == [str(digest)]


@BOTH_KINDS
class TestBothWays:
    def test_all_comes_back(self, registry: Registry) -> None:
        for number in range(120):
            registry.push("app", f"{number}", f"content {number % 30}")
        before = registry.world.leaves("alice")
        registry.hide("alice/app")
        assert registry.world.leaves("alice") == {}
        registry.publish("alice/app")
        assert registry.world.leaves("alice") == before
        assert registry.tags(registry.private) == {}
        assert len(registry.tags(registry.public)) == 120

    def test_keys_give_way_to_those_that_are_there(self, registry: Registry) -> None:
        """A private `a/b:c` is published where a public `a-b:c` has its key, and one digest is in both."""
        registry.push("a/b", "c", "same", visibility="private")
        registry.push("a-b", "c", "same")
        registry.publish("alice/a/b")
        assert registry.tags(registry.public).keys() == {"a/b:c", "a-b:c"}
        assert len(registry.world.leaves("alice")) == 4
        registry.hide("alice/a-b")
        assert registry.tags(registry.public).keys() == {"a/b:c"}
        assert registry.tags(registry.private).keys() == {"a-b:c"}

    def test_the_repository_says_what_it_is(self, registry: Registry) -> None:
        def visibility() -> str:
            row = registry.world.database.read_now(lambda c: repository_rows.by_name(c, registry.account_id, "app"))
            assert row is not None
            return row.visibility

        registry.push("app", "1.0", "x")
        registry.hide("alice/app")
        assert visibility() == "private"
        registry.publish(f"{DID}/app")
        assert visibility() == "public"

    def test_what_is_there_already_is_a_conflict(self, registry: Registry) -> None:
        registry.push("app", "1.0", "x")
        with pytest.raises(Conflict):
            registry.publish("alice/app")
        with pytest.raises(UnknownName):
            registry.hide("alice/nothing")

    def test_records_that_make_no_sense_move_as_they_are(self, registry: Registry) -> None:
        registry.push("app", "1.0", "x")
        odd = [
            Write.put(atcr.TAG, "odd", {"$type": atcr.TAG, "repository": "app", "tag": "x" * 5000, "createdAt": "x",
                                        "manifestDigest": "sha256:" + "0" * 64}),
            Write.put(atcr.MANIFEST, "self", {"$type": atcr.MANIFEST, "repository": "app"}),
        ]  # fmt: skip
        registry.world.database.write_now(lambda c: registry.public.apply(c, registry.account_id, odd))
        before = registry.world.leaves("alice")
        registry.hide("alice/app")
        assert registry.world.leaves("alice") == {}
        registry.publish("alice/app")
        assert registry.world.leaves("alice") == before

    @pytest.mark.parametrize("rkey", ["0-before", "z-behind"])
    def test_no_record_is_lost_where_two_are_of_one_manifest_or_tag(self, registry: Registry, rkey: str) -> None:
        registry.push("app", "1.0", "x")
        before = registry.world.leaves("alice")

        def again(connection: Connection) -> None:
            for collection in (atcr.MANIFEST, atcr.TAG):
                ((_, value),) = registry.public.records(connection, registry.account_id, collection)
                writes = [Write.put(collection, rkey, {**value, "note": "by its owner"})]
                registry.public.apply(connection, registry.account_id, writes)

        registry.world.database.write_now(again)
        twice = registry.world.leaves("alice")
        assert len(twice) == 2 * len(before)
        registry.hide("alice/app")
        assert registry.world.leaves("alice") == {}
        registry.publish("alice/app")
        assert registry.world.leaves("alice") == twice


FORMER = Place("localhost", "http://localhost:5000", "did:web:localhost")
PLACE = Place("reg.example.org", "https://reg.example.org", "did:web:reg.example.org")


@BOTH_KINDS
class TestRehost:
    def rehost(self, registry: Registry, former: Place = FORMER, place: Place = PLACE) -> None:
        world = registry.world
        world.database.write_now(
            lambda c: rehost(c, former, place, private=registry.private, memory=world.memory, now_ms=NOW_MS)
        )

    def test_renames_accounts_and_what_their_records_name(self, registry: Registry) -> None:
        registry.push("app", "1.0", "x")
        registry.push("hidden", "1.0", "y", visibility="private")
        key = registry.world.hosted("alice").private_key_pem
        self.rehost(registry)
        there = registry.world.hosted("alice")
        assert (str(there.did), there.handle) == ("did:web:alice.reg.example.org", "alice.reg.example.org")
        assert there.private_key_pem == key
        for store in (registry.public, registry.private):
            (tag,) = registry.tags(store).values()
            assert tag["manifest"].startswith("at://did:web:alice.reg.example.org/io.atcr.manifest/")
        registry.world.leaves("alice")

    def test_signs_repositories_without_records_too(self, registry: Registry) -> None:
        rev = registry.world.hosted("alice").head.rev
        self.rehost(registry)
        assert registry.world.hosted("alice").head.rev > rev
        registry.world.leaves("alice")

    def test_announces_the_new_and_takes_leave_of_the_old(self, registry: Registry) -> None:
        self.rehost(registry)
        told = [(one.kind, one.payload.get("did"), one.payload.get("active")) for one in registry.frames()[3:]]
        new = "did:web:alice.reg.example.org"
        assert told == [
            ("#account", DID, False),
            ("#identity", new, None),
            ("#account", new, True),
            ("#sync", new, None),
        ]

    def test_keeps_the_former_host_as_an_alias(self, registry: Registry) -> None:
        self.rehost(registry)
        self.rehost(
            registry, PLACE, Place("other.example.net", "https://other.example.net", "did:web:other.example.net")
        )
        aliases = registry.world.database.read_now(lambda c: set(c.execute(sa.select(host_aliases.c.host)).scalars()))
        assert aliases == {"localhost", "reg.example.org"}
        self.rehost(registry, place=Place("localhost", "http://localhost:5000", "did:web:localhost"))
        with pytest.raises(Conflict):
            self.rehost(registry, place=FORMER)
