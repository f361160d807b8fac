"""The fields and keys of ATCR's records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roadstead.core.atproto import atcr
from roadstead.core.atproto.cid import Cid
from roadstead.core.atproto.dagcbor import encode
from roadstead.core.atproto.datamodel import BlobRef
from roadstead.core.atproto.timestamp import read_timestamp, write_timestamp
from roadstead.core.errors import InvalidRecord
from roadstead.core.oci.digest import Digest
from roadstead.core.oci.manifest import OCI_INDEX, OCI_MANIFEST, parse

CREATED = "2026-11-21T09:00:00.125Z"
DIGEST = Digest.of(b"some manifest")


def descriptor(text: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": "application/octet-stream", "digest": str(Digest.of(text.encode())), "size": 7, **more}


def image(**more: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor("c"), "layers": [], **more}


def record_of(manifest: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(manifest).encode()
    blob = BlobRef(Cid.of_blob(body), manifest["mediaType"], len(body))
    return atcr.manifest_record(
        "app", Digest.of(body), parse(body, None), blob, created_at=CREATED, hold_did="did:web:h.example"
    )


class TestManifestRecord:
    def test_holds_what_the_manifest_says(self) -> None:
        subject = descriptor("s")
        record = record_of(image(layers=[descriptor("l")], subject=subject, annotations={"a": "b"}))
        assert record["layers"] == [descriptor("l")]
        assert record["config"] == descriptor("c")
        assert record["subject"] == subject
        assert record["annotations"] == {"a": "b"}
        assert record["schemaVersion"] == 2
        assert record["holdDid"] == "did:web:h.example"

    def test_holds_the_platforms_of_an_index(self) -> None:
        platform = {"os": "linux", "architecture": "arm", "variant": "v7"}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor("m", platform=platform)]}
        assert record_of(index)["manifests"] == [descriptor("m", platform=platform)]

    def test_is_read_as_it_was_written(self) -> None:
        record = record_of(image())
        read = atcr.read_manifest_record(record)
        assert (read.repository, read.media_type, read.created_at) == ("app", OCI_MANIFEST, CREATED)
        assert read.hold_did == "did:web:h.example"
        assert read.blob is not None
        assert read.blob.cid.digest == read.digest

    @pytest.mark.parametrize(
        "manifest",
        [
            pytest.param(image(layers=[descriptor(str(number)) for number in range(2000)]), id="many layers"),
            pytest.param(image(annotations={"long": "x" * 100_000}), id="a long annotation"),
            pytest.param(image(annotations={"half": "\ud800"}), id="half of a surrogate pair"),
        ],
    )
    def test_leaves_the_lists_out_where_they_cannot_be_stored(self, manifest: dict[str, Any]) -> None:
        record = record_of(manifest)
        assert not {"layers", "config", "annotations"} & record.keys()
        assert len(encode(record)) <= atcr.MAX_RECORD_BYTES
        assert atcr.read_manifest_record(record).blob is not None

    def test_keeps_the_lists_up_to_the_limit(self) -> None:
        record = record_of(image(annotations={"long": "x" * 99_000}))
        assert "annotations" in record
        assert len(encode(record)) <= atcr.MAX_RECORD_BYTES

    def test_leaves_out_annotations_that_would_change_what_is_read(self) -> None:
        assert record_of(image(annotations={"$type": "blob", "a": "b"}))["annotations"] == {"a": "b"}

    @pytest.mark.parametrize("field", ["repository", "digest", "mediaType", "createdAt"])
    def test_needs_its_fields(self, field: str) -> None:
        record = record_of(image())
        del record[field]
        with pytest.raises(InvalidRecord):
            atcr.read_manifest_record(record)


class TestTagRecord:
    def test_is_read_as_it_was_written(self) -> None:
        record = atcr.tag_record("a/b", "1.0", DIGEST, f"at://did:web:x/io.atcr.manifest/{DIGEST.hex}", created_at="x")
        assert atcr.read_tag_record(record) == atcr.TagRecord("a/b", "1.0", DIGEST, "x")

    @pytest.mark.parametrize("digest", [DIGEST, Digest.of(b"", "sha512")], ids=["sha256", "sha512"])
    @pytest.mark.parametrize("suffix", ["", "~01234567"])
    def test_of_the_first_generation_names_its_manifest_by_uri(self, digest: Digest, suffix: str) -> None:
        uri = f"at://did:web:x/io.atcr.manifest/{digest.hex}{suffix}"
        value = {"repository": "a", "tag": "t", "manifest": uri, "createdAt": "x"}
        assert atcr.read_tag_record(value).digest == digest

    @pytest.mark.parametrize("uri", ["at://did:web:x/io.atcr.manifest/self", "", 7, "at://x/io.atcr.manifest/abc"])
    def test_has_to_name_a_manifest(self, uri: object) -> None:
        with pytest.raises(InvalidRecord):
            atcr.read_tag_record({"repository": "a", "tag": "t", "manifest": uri, "createdAt": "x"})


class Records(dict[str, dict[str, Any]]):
    """A collection to put records into."""

    def put_tag(self, repository: str, tag: str) -> str:
        rkey = atcr.tag_rkey(repository, tag, self.get)
        self[rkey] = atcr.tag_record(repository, tag, DIGEST, "at://x", created_at="x")
        return rkey

    def put_manifest(self, repository: str) -> str:
        rkey = atcr.manifest_rkey(repository, DIGEST, self.get)
        self[rkey] = {"repository": repository, "digest": str(DIGEST)}
        return rkey


class TestKeys:
    def test_are_those_of_atcr_where_free(self) -> None:
        records = Records()
        assert records.put_manifest("app") == DIGEST.hex
        assert records.put_tag("a/b", "1.0") == "a-b_1.0"

    def test_of_tags_that_look_alike_differ(self) -> None:
        records = Records()
        keys = [records.put_tag("a/b", "c"), records.put_tag("a-b", "c")]
        assert len(set(keys)) == 2
        assert keys[1].startswith("a-b_c~")
        assert len(keys[1]) == len("a-b_c~") + 8
        assert [records.put_tag("a/b", "c"), records.put_tag("a-b", "c")] == keys

    def test_of_one_digest_in_two_repositories_differ(self) -> None:
        records = Records()
        keys = [records.put_manifest("one"), records.put_manifest("two")]
        assert len(set(keys)) == 2
        assert [records.put_manifest("one"), records.put_manifest("two")] == keys

    def test_stay_when_the_plain_one_is_freed(self) -> None:
        records = Records()
        first, second = records.put_manifest("one"), records.put_manifest("two")
        del records[first]
        assert atcr.find_manifest("one", DIGEST, records.get) is None
        assert records.put_manifest("two") == second
        assert records.put_manifest("one") == first

    def test_grow_where_even_the_longer_one_is_taken(self) -> None:
        plain, longer, *_ = atcr.tag_keys("a/b", "c")
        records = Records({plain: {"repository": "x"}, longer: {"repository": "x"}})
        key = records.put_tag("a/b", "c")
        assert key not in (plain, longer)
        assert atcr.find_tag("a/b", "c", records.get) == key

    def test_of_both_algorithms_differ(self) -> None:
        first, second = atcr.manifest_keys("a", Digest.of(b"")), atcr.manifest_keys("a", Digest.of(b"", "sha512"))
        assert not set(first) & set(second)


@pytest.mark.parametrize("at_ms", [0, 1, 1_764_000_000_125, 1_764_000_000_999])
def test_timestamps_are_read_as_they_were_written(at_ms: int) -> None:
    assert read_timestamp(write_timestamp(at_ms)) == at_ms


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "9999-99-99T00:00:00Z"])
def test_malformed_timestamps_are_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        read_timestamp(text)
