"""What a careless or hostile client sends. Each row ends with the sight that nothing was lost."""

import json

from tests.conformance.case import Case, Step, ask, case, chunk, closed, delete, get, head, opened, put_manifest, serves
from tests.conformance.content import (
    ABSENT,
    CONFIG,
    DOCKER_MANIFEST,
    IMAGE,
    INDEX,
    LAYER,
    LONG,
    OCI_INDEX,
    OCI_MANIFEST,
    as_json,
    image,
)

_FIELDS = json.loads(IMAGE.data)
_UNKNOWN = "00000000000000000000000000000000"


def _nested(levels: int) -> bytes:
    return IMAGE.data.rstrip()[:-1] + b',"deep":' + b"[" * levels + b"]" * levels + b"}"


def _deep_objects(levels: int) -> bytes:
    return IMAGE.data.rstrip()[:-1] + b',"deep":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


def _with(**fields: object) -> bytes:
    return as_json({**_FIELDS, **fields})


def _without(name: str) -> bytes:
    return as_json({key: value for key, value in _FIELDS.items() if key != name})


_BAD_MANIFESTS: dict[str, bytes] = {
    "empty": b"",
    "no-json": b"not json",
    "cut-short": IMAGE.data[:-20],
    "followed-by-more": IMAGE.data + b"{}",
    "utf-16": IMAGE.data.decode().encode("utf-16"),
    "not-utf-8": IMAGE.data.replace(b"amd64", b"\xff") if b"amd64" in IMAGE.data else b'{"\xff": 1}',
    "byte-order-mark": b"\xef\xbb\xbf" + IMAGE.data,
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "no-object": b"{}",
    "duplicate-keys": IMAGE.data.replace(b'"schemaVersion": 2,', b'"schemaVersion": 2, "schemaVersion": 2,'),
    "duplicate-layers": IMAGE.data.rstrip()[:-1] + b',"layers":[]}',
    "duplicate-keys-inside": IMAGE.data.replace(b'"size": 4096', b'"size": 4096, "size": 4096'),
    "duplicate-keys-by-escape": IMAGE.data.rstrip()[:-1] + b',"l\\u0061yers":[]}',
    "too-deep-100": _nested(100),
    "too-deep-100000": _nested(100_000),
    "too-deep-objects": _deep_objects(50_000),
    "not-a-number": IMAGE.data.replace(b'"size": 4096', b'"size": NaN'),
    "size-negative": IMAGE.data.replace(b'"size": 4096', b'"size": -1'),
    "size-fraction": IMAGE.data.replace(b'"size": 4096', b'"size": 4096.5'),
    "size-beyond-64-bits": IMAGE.data.replace(b'"size": 4096', b'"size": 99999999999999999999999'),
    "size-text": IMAGE.data.replace(b'"size": 4096', b'"size": "4096"'),
    "schema-1": _with(schemaVersion=1),
    "schema-text": _with(schemaVersion="2"),
    "no-config": _without("config"),
    "no-layers": _without("layers"),
    "layers-no-list": _with(layers={}),
    "layer-no-object": _with(layers=["sha256:abc"]),
    "layer-without-digest": _with(layers=[{"mediaType": "a/b", "size": 1}]),
    "layer-with-bad-digest": _with(layers=[{**LAYER.descriptor(), "digest": "sha256:../../etc/passwd"}]),
    "layer-of-md5": _with(layers=[{**LAYER.descriptor(), "digest": "md5:" + "0" * 32}]),
    "subject-without-digest": _with(subject={"mediaType": OCI_MANIFEST, "size": 1}),
    "annotations-no-text": _with(annotations={"a": 1}),
    "media-type-of-index": _with(mediaType=OCI_INDEX),
    "media-type-of-docker": _with(mediaType=DOCKER_MANIFEST),
    "media-type-no-text": _with(mediaType=2),
    "image-and-index-in-one": _with(manifests=[IMAGE.descriptor()]),
}
_BAD_TYPES = (
    "text/plain",
    "application/octet-stream",
    OCI_INDEX,
    DOCKER_MANIFEST,
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "\u00e4",
    "x" * 300,
)


def _put(body: bytes, content_type: str) -> Step:
    return ask("PUT", "manifests/t", body=body, content_type=content_type)


def _still_there() -> tuple[Step, ...]:
    return get("manifests/t").gives(200, body=IMAGE.data), get("tags/list").gives(
        200, json={"name": "{repo}", "tags": ["t"]}
    )


CASES: tuple[Case, ...] = (
    *(
        case(
            f"manifest-{what}",
            "G1",
            _put(body, OCI_MANIFEST).gives(400, code="MANIFEST_INVALID"),
            *_still_there(),
            tags={"t": IMAGE},
        )
        for what, body in _BAD_MANIFESTS.items()
    ),
    *(
        case(
            f"manifest-sent-as-{number}",
            "G1",
            _put(IMAGE.data, content_type).gives(400, 415, code=("MANIFEST_INVALID", "UNSUPPORTED")),
            *_still_there(),
            tags={"t": IMAGE},
        )
        for number, content_type in enumerate(_BAD_TYPES)
        if content_type.isascii()
    ),
    case(
        "index-sent-as-image",
        "G1",
        _put(INDEX.data, OCI_MANIFEST).gives(400, code="MANIFEST_INVALID"),
        *_still_there(),
        given=INDEX,
        tags={"t": IMAGE},
    ),
    case(
        "manifest-of-another-digest",
        "G1",
        ask("PUT", f"manifests/{ABSENT}", body=IMAGE.data, content_type=OCI_MANIFEST).gives(
            400, code=("DIGEST_INVALID", "MANIFEST_INVALID")
        ),
        head(f"manifests/{ABSENT}").gives(404),
        ask("PUT", "manifests/sha256:abc", body=IMAGE.data, content_type=OCI_MANIFEST).gives(
            400, code="DIGEST_INVALID"
        ),
        *_still_there(),
        tags={"t": IMAGE},
    ),
    *(
        case(
            f"content-range-{number}",
            "G1",
            opened(),
            chunk(LONG.data[:1000], 0),
            ask("PATCH", "{session}", body=LONG.data[1000:1100], content_range=content_range).gives(
                400, 416, code=("BLOB_UPLOAD_INVALID", "SIZE_INVALID")
            ),
            get("{session}").gives(204, range="0-999"),
            closed(LONG, LONG.data[1000:]),
            serves(LONG),
        )
        for number, content_range in enumerate(
            (
                "1000",
                "1000-",
                "-1099",
                "a-b",
                "1099-1000",
                "1000-1099/300000",
                "bytes=1000-1099",
                "1000-1050",
                "1000-2000",
                "+1000-1099",
                "1000-" + "9" * 30,
            )
        )
    ),
    case(
        "wrong-digest-loses-nothing",
        "G1",
        opened(),
        ask("PUT", "{session}", params={"digest": LONG.digest}, body=LAYER.data).gives(400, code="DIGEST_INVALID"),
        head(f"blobs/{LONG.digest}").gives(404),
        serves(LAYER),
        given=LAYER,
    ),
    *(
        case(
            f"unknown-session-{number}",
            "G1",
            get(f"blobs/uploads/{session}").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
            ask("PATCH", f"blobs/uploads/{session}", body=b"abc").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
            ask("PUT", f"blobs/uploads/{session}", params={"digest": LAYER.digest}, body=LAYER.data).gives(
                404, code="BLOB_UPLOAD_UNKNOWN"
            ),
            delete(f"blobs/uploads/{session}").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
            given=CONFIG,
        )
        for number, session in enumerate(
            (_UNKNOWN, "00000000-0000-4000-8000-000000000000", "x", "%2E%2E%5Cetc", "a" * 500)
        )
    ),
    case(
        "session-in-another-repository",
        "G1",
        opened(),
        ask("POST", "/v2/{other}/blobs/uploads/").gives(202).keeping(elsewhere="location"),
        chunk(LAYER.data[:10], 0),
        closed(LAYER, LAYER.data[10:]),
        get(f"/v2/{{other}}/blobs/{LAYER.digest}").gives(404),
    ),
    case(
        "manifest-put-and-blob-endpoints-confused",
        "G1",
        put_manifest(image(), CONFIG.digest).gives(400, code=("DIGEST_INVALID", "MANIFEST_INVALID")),
        get(f"blobs/{IMAGE.digest}").gives(200, 404),
        given=IMAGE,
    ),
)
