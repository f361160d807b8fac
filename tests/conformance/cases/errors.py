"""General: the 14 error codes, each where it belongs, and what proxies ask (`ns`)."""

from tests.conformance.case import Case, ask, case, chunk, get, opened, put_manifest
from tests.conformance.content import ABSENT, IMAGE, LAYER, OCI_MANIFEST

CASES: tuple[Case, ...] = (
    case("code-1-blob-unknown", "G1", get(f"blobs/{ABSENT}").gives(404, code="BLOB_UNKNOWN"), given=LAYER),
    case(
        "code-2-blob-upload-invalid",
        "G1",
        opened(),
        ask("PATCH", "{session}", body=b"abc", content_range="bytes 0-2/3").gives(400, 416, code="BLOB_UPLOAD_INVALID"),
    ),
    case(
        "code-3-blob-upload-unknown",
        "G1",
        get("blobs/uploads/00000000-0000-4000-8000-000000000000").gives(404, code="BLOB_UPLOAD_UNKNOWN"),
        given=LAYER,
    ),
    case("code-4-digest-invalid", "G1", get("blobs/sha256:abc").gives(400, code="DIGEST_INVALID"), given=LAYER),
    case(
        "code-5-manifest-blob-unknown",
        "G1",
        put_manifest(IMAGE, "t").gives(404, code="MANIFEST_BLOB_UNKNOWN"),
        given=LAYER,
    ),
    case(
        "code-6-manifest-invalid",
        "G1",
        ask("PUT", "manifests/t", body=b"{}", content_type=OCI_MANIFEST).gives(400, code="MANIFEST_INVALID"),
        given=LAYER,
    ),
    case("code-7-manifest-unknown", "G1", get("manifests/absent").gives(404, code="MANIFEST_UNKNOWN"), given=LAYER),
    case("code-8-name-invalid", "G1", get("/v2/alice/UPPER/tags/list").gives(400, code="NAME_INVALID")),
    case("code-9-name-unknown", "G1", get("tags/list").gives(404, code="NAME_UNKNOWN")),
    case(
        "code-10-size-invalid",
        "G1",
        opened(),
        chunk(LAYER.data[:100], 0),
        ask("PATCH", "{session}", body=LAYER.data[100:200], content_range="100-299").gives(
            400, 416, code=("SIZE_INVALID", "BLOB_UPLOAD_INVALID")
        ),
        get("{session}").gives(204, range="0-99"),
        get(f"blobs/{LAYER.digest}", range="bytes=9999-").gives(416, code="SIZE_INVALID"),
        given=LAYER,
    ),
    case(
        "code-11-unauthorized",
        "G1",
        ask("POST", "blobs/uploads/", by="nobody").gives(401, code="UNAUTHORIZED"),
        ask("POST", "blobs/uploads/", by="bare").gives(401, code="UNAUTHORIZED"),
        given=LAYER,
    ),
    case(
        "code-12-denied",
        "G1",
        ask("POST", "blobs/uploads/", by="bob").gives(403, code="DENIED"),
        ask("PUT", "manifests/t", by="bob", body=IMAGE.data, content_type=OCI_MANIFEST).gives(403, code="DENIED"),
        ask("DELETE", f"blobs/{LAYER.digest}", by="bob").gives(403, code="DENIED"),
        given=LAYER,
    ),
    case(
        "code-13-unsupported",
        "G1",
        ask("POST", "tags/list").gives(405, code="UNSUPPORTED"),
        ask("PATCH", f"blobs/{LAYER.digest}").gives(405, code="UNSUPPORTED"),
        ask("PUT", f"referrers/{IMAGE.digest}").gives(405, code="UNSUPPORTED"),
        ask("DELETE", "/v2/_catalog").gives(405, code="UNSUPPORTED"),
        get("nothing/of/the/kind").gives(404, 405, code=("UNSUPPORTED", "NAME_UNKNOWN")),
        given=LAYER,
    ),
    case(
        "ns-is-no-hindrance",
        "G4",
        *(
            get(target, params={"ns": "docker.io"}).gives(200, without=("oci-namespace",))
            for target in ("manifests/t", f"blobs/{LAYER.digest}", "tags/list", f"referrers/{IMAGE.digest}")
        ),
        tags={"t": IMAGE},
    ),
    case(
        "ns-of-this-server",
        "G4",
        get("manifests/t", params={"ns": "{host}"}).gives(200, oci_namespace="{host}"),
        get(f"blobs/{LAYER.digest}", params={"ns": "{host}"}).gives(200, oci_namespace="{host}"),
        tags={"t": IMAGE},
    ),
)
