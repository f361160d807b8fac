"""Push: blobs, whole and in chunks, sessions, mounts."""

import re

from tests.conformance.case import ANY, Case, ask, case, chunk, closed, delete, get, head, opened, serves
from tests.conformance.content import ABSENT, LAYER, LAYER512, LONG, NOTHING, Blob

_A, _B, _C = LONG.data[:100_000], LONG.data[100_000:200_001], LONG.data[200_001:]
_UPLOADS = "blobs/uploads/"
_SESSION_UUID = re.compile(r".*/blobs/uploads/.*[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}.*")
_LAYER_AS_SHA512 = Blob(LAYER.data, algorithm="sha512")
_BAD_DIGESTS = {
    "no-colon": "sha256",
    "short": "sha256:abc",
    "not-hex": "sha256:" + "g" * 64,
    "upper-case": LAYER.digest.upper().replace("SHA", "sha"),
    "long": LAYER.digest + "0",
    "no-algorithm": ":" + "0" * 64,
    "path": "sha256:../../../../etc/passwd",
    "empty": "",
    "unsupported-md5": "md5:" + "0" * 32,
    "unsupported-blake3": "blake3:" + "0" * 64,
}

CASES: tuple[Case, ...] = (
    case("post-opens-a-session", "B1", ask("POST", _UPLOADS).gives(202, location=_SESSION_UUID)),
    case("post-without-slash", "B1", ask("POST", "blobs/uploads").gives(202, 307, 308, 404)),
    case("post-then-put", "B2", opened(), closed(LAYER, LAYER.data), serves(LAYER)),
    case("post-then-put-of-nothing", "B2", opened(), closed(NOTHING), serves(NOTHING)),
    case("post-then-put-sha512", "B2", opened(), closed(LAYER512, LAYER512.data), serves(LAYER512)),
    case("put-streamed", "B2", opened(), closed(LONG, LONG.data, streamed=True), serves(LONG)),
    case(
        "put-twice-the-same",
        "B2",
        opened(),
        closed(LAYER, LAYER.data),
        opened(),
        closed(LAYER, LAYER.data),
        serves(LAYER),
    ),
    case(
        "put-ends-the-session",
        "B2",
        opened(),
        closed(LAYER, LAYER.data),
        get("{session}").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
        ask("PATCH", "{session}", body=b"more").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
    ),
    case(
        "single-post",
        "B3",
        ask("POST", _UPLOADS, params={"digest": LAYER.digest}, body=LAYER.data).gives(
            201, location=re.compile(rf".*/blobs/{LAYER.digest}$"), docker_content_digest=LAYER.digest
        ),
        serves(LAYER),
    ),
    case(
        "single-post-of-nothing",
        "B3",
        ask("POST", _UPLOADS, params={"digest": NOTHING.digest}, body=b"").gives(201, 202),
    ),
    case(
        "single-post-sha512",
        "B3",
        ask("POST", _UPLOADS, params={"digest": LAYER512.digest}, body=LAYER512.data).gives(201),
        serves(LAYER512),
    ),
    case(
        "chunks",
        "B4",
        opened(content_length="0"),
        chunk(_A, 0),
        chunk(_B, 100_000),
        chunk(_C, 200_001),
        closed(LONG),
        serves(LONG),
    ),
    case("chunks-the-last-in-put", "B4", opened(), chunk(_A, 0), chunk(_B, 100_000), closed(LONG, _C), serves(LONG)),
    case(
        "chunks-the-last-in-put-with-its-range",
        "B4",
        opened(),
        chunk(_A + _B, 0),
        closed(LONG, _C, content_range="200001-299999"),
        serves(LONG),
    ),
    case("one-chunk", "B4", opened(), chunk(LAYER.data, 0), closed(LAYER), serves(LAYER)),
    case(
        "chunk-skips",
        "B5",
        opened(),
        chunk(_A, 0),
        ask("PATCH", "{session}", body=_C, content_range="200001-299999").gives(416, code="BLOB_UPLOAD_INVALID"),
        get("{session}").gives(204, range="0-99999"),
        chunk(_B, 100_000),
        chunk(_C, 200_001),
        closed(LONG),
        serves(LONG),
    ),
    case(
        "chunk-overlaps",
        "B5",
        opened(),
        chunk(_A, 0),
        ask("PATCH", "{session}", body=_A, content_range="0-99999").gives(416, code="BLOB_UPLOAD_INVALID"),
        ask("PATCH", "{session}", body=_A, content_range="99999-199998").gives(416, code="BLOB_UPLOAD_INVALID"),
        get("{session}").gives(204, range="0-99999"),
        closed(LONG, _B + _C),
        serves(LONG),
    ),
    case(
        "first-chunk-skips",
        "B5",
        opened(),
        ask("PATCH", "{session}", body=_B, content_range="100000-200000").gives(416, code="BLOB_UPLOAD_INVALID"),
        closed(LONG, LONG.data),
        serves(LONG),
    ),
    case(
        "closing-put-skips",
        "B5",
        opened(),
        chunk(_A, 0),
        ask("PUT", "{session}", params={"digest": LONG.digest}, body=_C, content_range="200001-299999").gives(
            416, code="BLOB_UPLOAD_INVALID"
        ),
        get("{session}").gives(204, range="0-99999"),
        closed(LONG, _B + _C, content_range="100000-299999"),
        serves(LONG),
    ),
    case(
        "session-status",
        "B6",
        opened(),
        get("{session}").gives(204, location=ANY, range="0-0").keeping(session="location"),
        chunk(_A, 0),
        get("{session}").gives(204, location=ANY, range="0-99999").keeping(session="location"),
        chunk(_B, 100_000),
        get("{session}").gives(204, location=ANY, range="0-200000").keeping(session="location"),
        closed(LONG, _C),
    ),
    case(
        "no-smallest-chunk",
        "B7",
        ask("POST", _UPLOADS).gives(202, without=("oci-chunk-min-length",)).keeping(session="location"),
        chunk(LAYER.data[:1], 0),
        chunk(LAYER.data[1:2], 1),
        chunk(LAYER.data[2:], 2),
        closed(LAYER),
        serves(LAYER),
    ),
    case(
        "cancel",
        "B8",
        opened(),
        chunk(_A, 0),
        delete("{session}").gives(204),
        get("{session}").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
        delete("{session}").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
        ask("PUT", "{session}", params={"digest": LONG.digest}, body=_B + _C).gives(404, code="BLOB_UPLOAD_UNKNOWN"),
        head(f"blobs/{LONG.digest}").gives(404),
    ),
    case(
        "wrong-digest-of-put",
        "B9",
        opened(),
        ask("PUT", "{session}", params={"digest": ABSENT}, body=LAYER.data).gives(400, code="DIGEST_INVALID"),
        head(f"blobs/{ABSENT}").gives(404),
        head(f"blobs/{LAYER.digest}").gives(404),
    ),
    case(
        "wrong-digest-of-chunks",
        "B9",
        opened(),
        chunk(_A, 0),
        ask("PUT", "{session}", params={"digest": ABSENT}).gives(400, code="DIGEST_INVALID"),
        head(f"blobs/{ABSENT}").gives(404),
    ),
    case(
        "wrong-digest-of-single-post",
        "B9",
        ask("POST", _UPLOADS, params={"digest": ABSENT}, body=LAYER.data).gives(400, code="DIGEST_INVALID"),
        head(f"blobs/{ABSENT}").gives(404),
    ),
    case(
        "closing-put-without-digest",
        "B9",
        opened(),
        ask("PUT", "{session}", body=LAYER.data).gives(400, code="DIGEST_INVALID"),
    ),
    *(
        case(
            f"bad-digest-{what}",
            "B9",
            ask("POST", _UPLOADS, params={"digest": digest}, body=LAYER.data).gives(400, code="DIGEST_INVALID"),
            opened(),
            ask("PUT", "{session}", params={"digest": digest}, body=LAYER.data).gives(400, code="DIGEST_INVALID"),
            opened(),
            closed(LAYER, LAYER.data),
            serves(LAYER),
        )
        for what, digest in _BAD_DIGESTS.items()
    ),
    *(
        case(
            f"get-of-bad-digest-{what}",
            "B9",
            get(f"blobs/{digest}").gives(400, code="DIGEST_INVALID"),
            head(f"blobs/{digest}").gives(400),
            delete(f"blobs/{digest}").gives(400, code="DIGEST_INVALID"),
            given=LAYER,
        )
        for what, digest in _BAD_DIGESTS.items()
        if "/" not in digest and digest
    ),
    case(
        "algorithm-said-beforehand",
        "B10",
        ask("POST", _UPLOADS, params={"digest-algorithm": "sha512"})
        .gives(202, location=ANY)
        .keeping(session="location"),
        chunk(LAYER512.data[:900], 0),
        chunk(LAYER512.data[900:], 900),
        closed(LAYER512),
        serves(LAYER512),
    ),
    case(
        "algorithm-not-said-beforehand",
        "B10",
        opened(),
        chunk(LAYER.data[:900], 0),
        chunk(LAYER.data[900:], 900),
        closed(_LAYER_AS_SHA512),
        serves(_LAYER_AS_SHA512),
    ),
    case(
        "algorithm-said-and-another-taken",
        "B10",
        ask("POST", _UPLOADS, params={"digest-algorithm": "sha512"}).gives(202).keeping(session="location"),
        ask("PUT", "{session}", params={"digest": LAYER.digest}, body=LAYER.data).gives(201, 400),
    ),
    case(
        "algorithm-unsupported",
        "B10",
        ask("POST", _UPLOADS, params={"digest-algorithm": "md5"}).gives(400, code=("DIGEST_INVALID", "UNSUPPORTED")),
    ),
    case(
        "mount",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LAYER.digest, "from": "{repo}"}).gives(
            201, location=re.compile(rf".*-other/blobs/{LAYER.digest}$"), docker_content_digest=LAYER.digest
        ),
        get(f"/v2/{{other}}/blobs/{LAYER.digest}").gives(200, body=LAYER.data),
        given=LAYER,
    ),
    case(
        "mount-outlives-its-source",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LAYER.digest, "from": "{repo}"}).gives(201),
        delete(f"blobs/{LAYER.digest}").gives(202),
        get(f"blobs/{LAYER.digest}").gives(404),
        get(f"/v2/{{other}}/blobs/{LAYER.digest}").gives(200, body=LAYER.data),
        given=LAYER,
    ),
    case(
        "mount-of-an-absent-blob",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LONG.digest, "from": "{repo}"})
        .gives(202, location=_SESSION_UUID)
        .keeping(session="location"),
        closed(LONG, LONG.data),
        get(f"/v2/{{other}}/blobs/{LONG.digest}").gives(200),
        given=LAYER,
    ),
    case(
        "mount-from-no-repository",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LAYER.digest, "from": "alice/nowhere"}).gives(202),
        get(f"/v2/{{other}}/blobs/{LAYER.digest}").gives(404),
        given=LAYER,
    ),
    case(
        "mount-of-a-bad-digest",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": "sha256:abc", "from": "{repo}"}).gives(
            400, code="DIGEST_INVALID"
        ),
        given=LAYER,
    ),
    case(
        "mount-from-a-bad-name",
        "B11",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LAYER.digest, "from": "alice/UPPER"}).gives(
            202, 400
        ),
        given=LAYER,
    ),
    case(
        "mount-without-from",
        "B12",
        ask("POST", "/v2/{other}/blobs/uploads/", params={"mount": LAYER.digest}).gives(201, 202, location=ANY),
        given=LAYER,
    ),
    case(
        "mount-without-from-of-an-absent-blob",
        "B12",
        ask("POST", _UPLOADS, params={"mount": ABSENT}).gives(202, location=_SESSION_UUID),
    ),
    case(
        "streamed",
        "B13",
        opened(),
        ask("PATCH", "{session}", body=LONG.data, streamed=True)
        .gives(202, location=ANY, range="0-299999")
        .keeping(session="location"),
        closed(LONG),
        serves(LONG),
    ),
    case(
        "streamed-twice",
        "B13",
        opened(),
        ask("PATCH", "{session}", body=_A, streamed=True).gives(202, range="0-99999").keeping(session="location"),
        ask("PATCH", "{session}", body=_B + _C).gives(202, range="0-299999").keeping(session="location"),
        closed(LONG),
        serves(LONG),
    ),
)
