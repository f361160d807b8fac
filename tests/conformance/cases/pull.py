"""Pull: manifests, blobs, ranges, existence."""

import re

from tests.conformance.case import Case, case, get, head, put_manifest, serves
from tests.conformance.content import (
    ABSENT,
    CONFIG,
    DOCKER_MANIFEST,
    IMAGE,
    INDEX,
    LAYER,
    LAYER512,
    LONG,
    NOTHING,
    OCI_INDEX,
    OCI_MANIFEST,
    Blob,
    Manifest,
    image,
)

_UNKNOWN_MANIFEST = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN")
_UNKNOWN_BLOB = ("BLOB_UNKNOWN", "NAME_UNKNOWN")
_ODD = Manifest(
    IMAGE.data.replace(b'"schemaVersion": 2,', b'"schemaVersion":\t2 ,\r\n') + b"\n\n", OCI_MANIFEST, needs=IMAGE.needs
)
_DOCKER = image(LAYER, media_type=DOCKER_MANIFEST)
_IMAGE512 = image(LAYER, algorithm="sha512")

# What the official program asks for, RFC 9110's own examples (14.1.2), and the edges of each. None: 416.
_RANGES: dict[str, tuple[int, int] | None] = {
    "0-0": (0, 0),
    "0-": (0, 4095),
    "500-1499": (500, 1499),
    "500-": (500, 4095),
    "-500": (3596, 4095),
    "-1": (4095, 4095),
    "-4096": (0, 4095),
    "-5000": (0, 4095),
    "4000-10000": (4000, 4095),
    "4095-4095": (4095, 4095),
    "500-0": None,
    "5000-10000": None,
    "4096-": None,
    "4096-4096": None,
    "-0": None,
}
# A Range that is no byte range, or of several parts, may be ignored (RFC 9110, 14.2).
_IGNORED = ("lines=0-1", "bytes=a-b", "bytes=", "bytes", "bytes=0-1,4-5")


def _range(wanted: str, found: tuple[int, int] | None) -> Case:
    step = get(f"blobs/{LAYER.digest}", range=f"bytes={wanted}")
    if found is None:
        return case(f"range-{wanted}", "P6", step.gives(416, content_range="bytes */4096"), given=LAYER)
    first, last = found
    answered = step.gives(
        206,
        body=LAYER.data[first : last + 1],
        content_range=f"bytes {first}-{last}/4096",
        content_length=str(last + 1 - first),
    )
    return case(f"range-{wanted}", "P6", answered, given=LAYER)


CASES: tuple[Case, ...] = (
    case(
        "manifest-by-tag",
        "P3",
        get("manifests/1.0").gives(200, body=IMAGE.data, content_type=OCI_MANIFEST, docker_content_digest=IMAGE.digest),
        tags={"1.0": IMAGE},
    ),
    case(
        "manifest-by-digest",
        "P3",
        get(f"manifests/{IMAGE.digest}").gives(200, body=IMAGE.data, content_type=OCI_MANIFEST),
        given=IMAGE,
    ),
    case("manifest-bytes-are-kept", "P3", get(f"manifests/{_ODD.digest}").gives(200, body=_ODD.data), given=_ODD),
    case(
        "manifest-of-docker",
        "P3",
        get("manifests/d").gives(200, body=_DOCKER.data, content_type=DOCKER_MANIFEST),
        tags={"d": _DOCKER},
    ),
    case("index", "P3", get("manifests/i").gives(200, body=INDEX.data, content_type=OCI_INDEX), tags={"i": INDEX}),
    case(
        "manifest-by-sha512",
        "P3",
        get(f"manifests/{_IMAGE512.digest}").gives(200, body=_IMAGE512.data, docker_content_digest=_IMAGE512.digest),
        given=_IMAGE512,
    ),
    case(
        "manifest-whatever-is-accepted",
        "P3",
        get(f"manifests/{IMAGE.digest}", accept="application/vnd.docker.distribution.manifest.v1+json").gives(
            200, 404, 406
        ),
        get(f"manifests/{IMAGE.digest}", accept=f"{OCI_INDEX}, {OCI_MANIFEST}").gives(200, content_type=OCI_MANIFEST),
        get(f"manifests/{IMAGE.digest}", accept="*/*").gives(200, content_type=OCI_MANIFEST),
        given=IMAGE,
    ),
    case(
        "manifest-absent",
        "P3",
        get("manifests/absent").gives(404, code="MANIFEST_UNKNOWN"),
        get(f"manifests/{ABSENT}").gives(404, code="MANIFEST_UNKNOWN"),
        head("manifests/absent").gives(404),
        head(f"manifests/{ABSENT}").gives(404),
        given=IMAGE,
    ),
    case("manifest-in-no-repository", "P3", get("manifests/latest").gives(404, code=_UNKNOWN_MANIFEST)),
    case(
        "blob-is-no-manifest",
        "P3",
        get(f"manifests/{CONFIG.digest}").gives(404, code="MANIFEST_UNKNOWN"),
        given=IMAGE,
    ),
    case("blob", "P4", serves(LAYER), given=LAYER),
    case("blob-long", "P4", serves(LONG), given=LONG),
    case("blob-of-no-bytes", "P4", serves(NOTHING), given=NOTHING),
    case("blob-sha512", "P4", serves(LAYER512), given=LAYER512),
    case("blob-absent", "P4", get(f"blobs/{ABSENT}").gives(404, code="BLOB_UNKNOWN"), given=LAYER),
    case("blob-in-no-repository", "P4", get(f"blobs/{ABSENT}").gives(404, code=_UNKNOWN_BLOB)),
    case(
        "blob-of-another-algorithm-of-the-same-bytes",
        "P4",
        get(f"blobs/{Blob(LAYER.data, algorithm='sha512').digest}").gives(404, code="BLOB_UNKNOWN"),
        given=LAYER,
    ),
    case(
        "head-of-manifest",
        "P5",
        *(
            head(f"manifests/{reference}").gives(
                200,
                body=b"",
                content_length=str(IMAGE.size),
                content_type=OCI_MANIFEST,
                docker_content_digest=IMAGE.digest,
            )
            for reference in ("1.0", IMAGE.digest)
        ),
        tags={"1.0": IMAGE},
    ),
    *(
        case(
            f"head-of-blob-{blob.algorithm}-{blob.size}",
            "P5",
            head(f"blobs/{blob.digest}").gives(
                200, body=b"", content_length=str(blob.size), docker_content_digest=blob.digest
            ),
            get(f"blobs/{blob.digest}").gives(
                200, content_length=str(blob.size), docker_content_digest=blob.digest, accept_ranges="bytes"
            ),
            given=blob,
        )
        for blob in (LAYER, NOTHING, LONG, LAYER512)
    ),
    case("head-of-absent-blob", "P5", head(f"blobs/{ABSENT}").gives(404), given=LAYER),
    case(
        "manifest-unchanged-may-be-304",
        "P5",
        get("manifests/1.0").gives(200, etag=re.compile(rf'"?{IMAGE.digest}"?')),
        get("manifests/1.0", if_none_match=f'"{IMAGE.digest}"').gives(200, 304),
        put_manifest(image(), "1.0").gives(201),
        get("manifests/1.0", if_none_match=f'"{IMAGE.digest}"').gives(200, body=image().data),
        tags={"1.0": IMAGE},
    ),
    *(_range(wanted, found) for wanted, found in _RANGES.items()),
    *(
        case(
            f"range-ignored-{wanted}",
            "P6",
            get(f"blobs/{LAYER.digest}", range=wanted).gives(200, 206, 416),
            given=LAYER,
        )
        for wanted in _IGNORED
    ),
    case("range-of-nothing", "P6", get(f"blobs/{NOTHING.digest}", range="bytes=0-0").gives(416), given=NOTHING),
    case(
        "range-in-the-middle-of-a-long-blob",
        "P6",
        get(f"blobs/{LONG.digest}", range="bytes=131071-262145").gives(206, body=LONG.data[131071:262146]),
        given=LONG,
    ),
    case(
        "range-if-unchanged",
        "P6",
        get(f"blobs/{LAYER.digest}", range="bytes=0-9", if_range='"another"').gives(200, body=LAYER.data),
        given=LAYER,
    ),
)
