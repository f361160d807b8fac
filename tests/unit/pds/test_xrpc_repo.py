"""`com.atproto.repo.*`: records as clients write and read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadstead.core.access.rights import Action
from roadstead.core.atproto.car import read_car
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.mst import Tree, check
from roadstead.core.errors import Conflict
from roadstead.core.oci.manifest import OCI_MANIFEST
from roadstead.index import repositories
from tests.unit.pds.conftest import BOTH_KINDS, NOW_MS, World
from tests.unit.pds.surface import Surface, surface

THING = "com.example.thing"
TAG = "io.atcr.tag"
UNKNOWN_BLOB = {"$type": "blob", "ref": {"$link": str(Cid.of_blob(b"?"))}, "mimeType": "a/b", "size": 1}


@pytest.fixture
def pds(world: World, tmp_path: Path) -> Iterator[Surface]:
    with surface(world, tmp_path) as made:
        yield made


def create(pds: Surface, token: str, record: Any, *, repo: str = "alice.example.com", **more: Any) -> Any:
    body = {"repo": repo, "collection": THING, "record": record, **more}
    return pds.post("com.atproto.repo.createRecord", body, token)


def tag(repository: str, tag: str = "1.0") -> dict[str, Any]:
    return {
        "$type": TAG,
        "repository": repository,
        "tag": tag,
        "manifestDigest": "sha256:" + "0" * 64,
        "createdAt": "x",
    }


def put_tag(pds: Surface, token: str, rkey: str, record: Any) -> Any:
    body = {"repo": "did:web:alice.example.com", "collection": TAG, "rkey": rkey, "record": record}
    return pds.post("com.atproto.repo.putRecord", body, token)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


@BOTH_KINDS
class TestRecords:
    def test_are_read_as_they_were_written(self, pds: Surface) -> None:
        record = {
            "text": "hello",
            "link": {"$link": str(Cid.of_record(b"x"))},
            "raw": {"$bytes": "aGVsbG8"},
            "many": [1, None, True, {"a": -(2**53)}],
        }
        made = create(pds, pds.token("alice"), record).json()
        _, _, _, collection, rkey = made["uri"].split("/")
        read = pds.get("com.atproto.repo.getRecord", repo="alice.example.com", collection=collection, rkey=rkey).json()
        assert read == {"uri": made["uri"], "cid": made["cid"], "value": {"$type": THING, **record}}
        assert made["commit"]["cid"] == str(pds.world.hosted("alice").head.cid)

    def test_that_are_missing_are_400_record_not_found(self, pds: Surface) -> None:
        pds.account("alice")
        response = pds.get("com.atproto.repo.getRecord", repo="alice.example.com", collection=THING, rkey="none")
        assert error(response) == (400, "RecordNotFound")

    def test_are_listed_in_pages_in_both_directions(self, pds: Surface) -> None:
        token = pds.token("alice")
        keys = [f"k{number}" for number in range(7)]
        for key in keys:
            create(pds, token, {}, rkey=key)
        for reverse, expected in (("false", keys[::-1]), ("true", keys)):
            found: list[str] = []
            cursor = None
            while True:
                asked = {"repo": "did:web:alice.example.com", "collection": THING, "limit": 3, "reverse": reverse}
                page = pds.get("com.atproto.repo.listRecords", **asked, **({"cursor": cursor} if cursor else {})).json()
                found += [record["uri"].rpartition("/")[2] for record in page["records"]]
                cursor = page.get("cursor")
                if cursor is None:
                    break
            assert found == expected

    def test_are_deleted_once(self, pds: Surface) -> None:
        token = pds.token("alice")
        create(pds, token, {}, rkey="a")
        body = {"repo": "alice.example.com", "collection": THING, "rkey": "a"}
        assert "commit" in pds.post("com.atproto.repo.deleteRecord", body, token).json()
        assert pds.post("com.atproto.repo.deleteRecord", body, token).json() == {}
        assert pds.world.leaves("alice") == {}

    def test_are_swapped_only_for_what_was_seen(self, pds: Surface) -> None:
        token = pds.token("alice")
        seen = create(pds, token, {"n": 1}, rkey="a").json()
        body = {"repo": "alice.example.com", "collection": THING, "rkey": "a", "record": {"n": 2}}
        method = "com.atproto.repo.putRecord"
        assert error(pds.post(method, {**body, "swapRecord": None}, token)) == (400, "InvalidSwap")
        assert pds.post(method, {**body, "swapRecord": seen["cid"]}, token).status_code == 200
        assert error(pds.post(method, {**body, "swapRecord": seen["cid"]}, token)) == (400, "InvalidSwap")
        assert error(pds.post(method, {**body, "swapCommit": seen["commit"]["cid"]}, token)) == (400, "InvalidSwap")

    def test_are_written_together_by_one_commit(self, pds: Surface) -> None:
        token = pds.token("alice")
        create(pds, token, {}, rkey="old")
        kind = "com.atproto.repo.applyWrites"
        writes = [
            {"$type": f"{kind}#create", "collection": THING, "value": {"n": 1}},
            {"$type": f"{kind}#create", "collection": THING, "rkey": "b", "value": {"n": 2}},
            {"$type": f"{kind}#delete", "collection": THING, "rkey": "old"},
        ]
        answer = pds.post(kind, {"repo": "alice.example.com", "writes": writes}, token).json()
        kinds = [result["$type"].partition("#")[2] for result in answer["results"]]
        assert kinds == ["createResult", "createResult", "deleteResult"]
        assert answer["commit"]["cid"] == str(pds.world.hosted("alice").head.cid)
        assert len(pds.world.leaves("alice")) == 2

    def test_are_all_or_none(self, pds: Surface) -> None:
        kind = "com.atproto.repo.applyWrites"
        writes = [
            {"$type": f"{kind}#create", "collection": THING, "rkey": "a", "value": {}},
            {"$type": f"{kind}#update", "collection": THING, "rkey": "missing", "value": {}},
        ]
        answer = pds.post(kind, {"repo": "alice.example.com", "writes": writes}, pds.token("alice"))
        assert error(answer) == (400, "RecordNotFound")
        assert pds.world.leaves("alice") == {}

    def test_prove_themselves(self, pds: Surface) -> None:
        made = create(pds, pds.token("alice"), {"n": 1}, rkey="a").json()
        asked = {"did": "did:web:alice.example.com", "collection": THING}
        roots, blocks = read_car(pds.get("com.atproto.sync.getRecord", **asked, rkey="a").content)
        assert roots == (pds.world.hosted("alice").head.cid,)
        assert Cid.parse(made["cid"]) in blocks
        _, absent = read_car(pds.get("com.atproto.sync.getRecord", **asked, rkey="b").content)
        assert absent.keys() < blocks.keys()

    def test_are_exported_whole_or_since_a_revision(self, pds: Surface) -> None:
        token = pds.token("alice")
        for number in range(30):
            first = create(pds, token, {"n": number}, rkey=f"k{number}").json()
        last = create(pds, token, {"n": 99}).json()
        roots, blocks = read_car(pds.get("com.atproto.sync.getRepo", did="did:web:alice.example.com").content)
        there = pds.world.hosted("alice")
        assert roots == (there.head.cid,)
        assert check(Tree(there.head.data, blocks.__getitem__)) == pds.world.leaves("alice")
        assert set(pds.world.leaves("alice").values()) < blocks.keys()
        asked = {"did": "did:web:alice.example.com", "since": first["commit"]["rev"]}
        _, newer = read_car(pds.get("com.atproto.sync.getRepo", **asked).content)
        assert Cid.parse(last["cid"]) in newer
        assert Cid.parse(first["cid"]) not in newer


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"collection": "nonsense"}, (400, "InvalidRequest")),
            ({"rkey": "a/b"}, (400, "InvalidRequest")),
            ({"rkey": ".."}, (400, "InvalidRequest")),
            ({"record": 7}, (400, "InvalidRequest")),
            ({"record": {"n": 1.5}}, (400, "InvalidRequest")),
            ({"record": {"n": 2**64}}, (400, "InvalidRequest")),
            ({"record": {"$type": "com.example.other"}}, (400, "InvalidRequest")),
            ({"record": {"image": UNKNOWN_BLOB}}, (400, "InvalidRequest")),
            ({"repo": "bob.example.com"}, (403, "Forbidden")),
            ({"repo": "nobody.example.com"}, (400, "RepoNotFound")),
            ({"repo": "alice.elsewhere.org"}, (400, "RepoNotFound")),
            ({"validate": True}, (400, "InvalidRequest")),
            ({"swapCommit": "bafy"}, (400, "InvalidRequest")),
            ({"record": {"text": "x" * 1_000_001}}, (400, "InvalidRequest")),
            ({"record": {"text": "x" * 5_000_000}}, (413, "PayloadTooLarge")),
        ],
    )  # fmt: skip
    def test_of_malformed_writes(self, pds: Surface, body: Any, expected: tuple[int, str]) -> None:
        pds.account("bob")
        token = pds.token("alice")
        assert error(
            create(pds, token, body.get("record", {}), **{k: v for k, v in body.items() if k != "record"})
        ) == (expected)
        assert pds.world.leaves("alice") == {}

    @pytest.mark.parametrize("depth", [70, 2_000, 500_000])
    def test_of_what_nests_too_deep(self, pds: Surface, depth: int) -> None:
        nested = '{"repo":"alice.example.com","collection":"com.example.thing","record":{"a":%s%s}}'
        body = (nested % ("[" * depth, "]" * depth)).encode()
        assert error(pds.post("com.atproto.repo.createRecord", body, pds.token("alice"))) == (400, "InvalidRequest")

    def test_of_too_many_writes(self, pds: Surface) -> None:
        kind = "com.atproto.repo.applyWrites"
        writes = [{"$type": f"{kind}#create", "collection": THING, "value": {}}] * 201
        answer = pds.post(kind, {"repo": "alice.example.com", "writes": writes}, pds.token("alice"))
        assert error(answer) == (400, "InvalidRequest")

    def test_of_who_has_not_logged_in(self, pds: Surface) -> None:
        pds.account("alice")
        assert error(create(pds, "", {})) == (401, "AuthenticationRequired")
        assert error(create(pds, "nonsense", {})) == (400, "InvalidToken")

    def test_of_unknown_methods_and_wrong_verbs(self, pds: Surface) -> None:
        assert error(pds.get("com.example.nothing")) == (501, "MethodNotImplemented")
        assert error(pds.get("com.atproto.repo.createRecord")) == (405, "InvalidRequest")

    def test_of_parameters_out_of_bounds(self, pds: Surface) -> None:
        pds.account("alice")
        for limit in ("0", "101", "-1", "x", "9" * 30, "²"):
            response = pds.get("com.atproto.repo.listRecords", repo="alice", collection=THING, limit=limit)
            assert error(response) == (400, "InvalidRequest"), limit


class TestPrivateRepositories:
    def test_have_no_public_records(self, pds: Surface) -> None:
        token, account_id = pds.token("alice"), pds.account("alice")
        pds.world.database.write_now(lambda c: repositories.create(c, account_id, "secret", "private", NOW_MS))
        assert error(put_tag(pds, token, "secret_1.0", tag("secret"))) == (403, "Forbidden")
        assert pds.world.leaves("alice") == {}
        assert pds.heard.changes == []


@BOTH_KINDS
class TestTexts:
    """What no database can look for, but JSON can spell."""

    @pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_000, "..", "'; --", ""])
    def test_in_records_of_repositories(self, pds: Surface, text: str) -> None:
        token = pds.token("alice")
        for field in ("repository", "tag", "manifestDigest", "createdAt"):
            body = json.dumps(
                {"repo": "alice", "collection": TAG, "rkey": "a", "record": {**tag("app"), field: text}}
            ).encode()
            assert pds.post("com.atproto.repo.putRecord", body, token).status_code in (200, 400)

    @pytest.mark.parametrize("text", ["a\0b", "x" * 3000, "..", "é", "'; --"])
    def test_in_parameters(self, pds: Surface, text: str) -> None:
        pds.account("alice")
        repo, collection = {"repo": "alice"}, {"collection": THING}
        assert error(pds.get("com.atproto.repo.listRecords", **repo, **collection, cursor=text))[0] == 400
        assert error(pds.get("com.atproto.repo.listRecords", **repo, collection=text))[0] == 400
        assert error(pds.get("com.atproto.repo.getRecord", **repo, **collection, rkey=text))[0] == 400
        assert error(pds.get("com.atproto.repo.getRecord", repo=text, **collection, rkey="a"))[0] == 400
        assert error(pds.get("com.atproto.identity.resolveHandle", handle=text))[0] == 400
        assert error(pds.get("com.atproto.sync.getRepo", did=text))[0] == 400


class TestObserver:
    def test_hears_of_the_registrys_records_with_what_they_were(self, pds: Surface) -> None:
        token = pds.token("alice")
        create(pds, token, {"n": 1})
        assert pds.heard.changes == []
        put_tag(pds, token, "app_1.0", tag("app"))
        put_tag(pds, token, "app_1.0", tag("other"))
        pds.post(
            "com.atproto.repo.deleteRecord", {"repo": "alice.example.com", "collection": TAG, "rkey": "app_1.0"}, token
        )
        seen = [(change.before, change.after) for change in pds.heard.changes]
        assert seen == [(None, tag("app")), (tag("app"), tag("other")), (tag("other"), None)]

    def test_can_undo_the_write(self, pds: Surface) -> None:
        token = pds.token("alice")
        pds.heard.refusal = Conflict("no")
        assert error(put_tag(pds, token, "app_1.0", tag("app"))) == (400, "InvalidSwap")
        assert pds.world.leaves("alice") == {}


class TestAppPasswords:
    def test_write_only_their_repositories_records(self, pds: Surface) -> None:
        secret = pds.app_password("alice", "alice/app", "alice/lib/*", actions=[Action.PUSH])
        token = pds.login("alice", secret)["accessJwt"]
        assert put_tag(pds, token, "app_1.0", tag("app")).status_code == 200
        assert put_tag(pds, token, "lib-a_1.0", tag("lib/a")).status_code == 200
        assert error(put_tag(pds, token, "other_1.0", tag("other"))) == (403, "Forbidden")
        assert error(put_tag(pds, token, "app_1.0", tag("other"))) == (403, "Forbidden")
        assert error(create(pds, token, {})) == (403, "Forbidden")
        body = {"repo": "alice.example.com", "collection": TAG, "rkey": "app_1.0"}
        assert error(pds.post("com.atproto.repo.deleteRecord", body, token)) == (403, "Forbidden")

    def test_do_not_take_over_anothers_record(self, pds: Surface) -> None:
        put_tag(pds, pds.token("alice"), "other_1.0", tag("other"))
        secret = pds.app_password("alice", "alice/app", actions=[Action.PUSH, Action.DELETE])
        token = pds.login("alice", secret)["accessJwt"]
        assert error(put_tag(pds, token, "other_1.0", tag("app"))) == (403, "Forbidden")

    def test_for_everything_write_everything(self, pds: Surface) -> None:
        secret = pds.app_password("alice", "*", actions=[Action.PUSH])
        token = pds.login("alice", secret)["accessJwt"]
        assert create(pds, token, {}).status_code == 200

    def test_for_pulls_upload_nothing(self, pds: Surface) -> None:
        secret = pds.app_password("alice", "*", actions=[Action.PULL])
        token = pds.login("alice", secret)["accessJwt"]
        assert error(create(pds, token, {})) == (403, "Forbidden")
        assert error(pds.post("com.atproto.repo.uploadBlob", b"x", token)) == (403, "Forbidden")


@BOTH_KINDS
class TestBlobs:
    @pytest.mark.parametrize("size", [0, 65_537, 3_000_000])
    @pytest.mark.parametrize("mime_type", ["image/png", OCI_MANIFEST])
    def test_are_served_once_a_record_refers_to_them(self, pds: Surface, size: int, mime_type: str) -> None:
        token, content = pds.token("alice"), b"\x01" * size
        headers = {"content-type": f"{mime_type}; charset=utf-8"}
        blob = pds.post("com.atproto.repo.uploadBlob", content, token, **headers).json()["blob"]
        assert (blob["mimeType"], blob["size"]) == (mime_type, size)
        assert Cid.parse(blob["ref"]["$link"]).digest.hex == hashlib.sha256(content).hexdigest()
        asked = {"did": "did:web:alice.example.com", "cid": blob["ref"]["$link"]}
        assert error(pds.get("com.atproto.sync.getBlob", **asked)) == (400, "BlobNotFound")
        create(pds, token, {"image": blob})
        served = pds.get("com.atproto.sync.getBlob", **asked)
        assert served.content == content
        assert served.headers["content-type"] == mime_type
        assert served.headers["content-length"] == str(size)
        assert "sandbox" in served.headers["content-security-policy"]
        assert served.headers["x-content-type-options"] == "nosniff"
        listed = pds.get("com.atproto.sync.listBlobs", did="did:web:alice.example.com").json()
        assert listed == {"cids": [blob["ref"]["$link"]]}

    def test_above_the_limit_are_refused(self, pds: Surface) -> None:
        token = pds.token("alice")
        response = pds.post("com.atproto.repo.uploadBlob", b"x" * (16 * 1024 * 1024 + 1), token)
        assert error(response) == (413, "PayloadTooLarge")
        response = pds.post(
            "com.atproto.repo.uploadBlob", b"x" * (4 * 1024 * 1024 + 1), token, **{"content-type": OCI_MANIFEST}
        )
        assert error(response) == (413, "PayloadTooLarge")

    def test_with_a_malformed_type_are_refused(self, pds: Surface) -> None:
        response = pds.post("com.atproto.repo.uploadBlob", b"x", pds.token("alice"), **{"content-type": "<script>"})
        assert error(response) == (400, "InvalidRequest")


def test_any_body_gives_an_answer_of_xrpc(pds: Surface) -> None:
    token = pds.token("alice")
    for body in (b"", b"{", b"[]", b"null", b"\xff", json.dumps({"repo": 1}).encode(), b'{"repo":"\\ud800"}'):
        for method in ("createRecord", "putRecord", "deleteRecord", "applyWrites"):
            assert error(pds.post(f"com.atproto.repo.{method}", body, token)) == (400, "InvalidRequest")
