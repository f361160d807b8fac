"""Content management: deletion, and what is left."""

from tests.conformance.case import Case, case, chunk, closed, delete, get, head, opened, put_manifest, serves
from tests.conformance.content import ABSENT, IMAGE, INDEX, LAYER, LONG, image

_GONE = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN")

CASES: tuple[Case, ...] = (
    case(
        "delete-tag",
        "X1",
        delete("manifests/t").gives(202),
        get("manifests/t").gives(404, code="MANIFEST_UNKNOWN"),
        delete("manifests/t").gives(404, code="MANIFEST_UNKNOWN"),
        get(f"manifests/{IMAGE.digest}").gives(200, body=IMAGE.data),
        get("manifests/u").gives(200, body=IMAGE.data),
        tags={"t": IMAGE, "u": IMAGE},
    ),
    case(
        "delete-manifest",
        "X1",
        delete(f"manifests/{IMAGE.digest}").gives(202),
        delete(f"manifests/{IMAGE.digest}").gives(404, code="MANIFEST_UNKNOWN"),
        serves(LAYER),
        tags={"t": IMAGE},
    ),
    case(
        "delete-blob",
        "X1",
        delete(f"blobs/{LONG.digest}").gives(202),
        delete(f"blobs/{LONG.digest}").gives(404, code="BLOB_UNKNOWN"),
        given=LONG,
    ),
    case(
        "delete-absent",
        "X1",
        delete("manifests/absent").gives(404, code="MANIFEST_UNKNOWN"),
        delete(f"manifests/{ABSENT}").gives(404, code="MANIFEST_UNKNOWN"),
        delete(f"blobs/{ABSENT}").gives(404, code="BLOB_UNKNOWN"),
        given=IMAGE,
    ),
    case(
        "delete-in-no-repository",
        "X1",
        delete(f"manifests/{IMAGE.digest}").gives(404, code=_GONE),
        delete("manifests/t").gives(404, code=_GONE),
        delete(f"blobs/{LAYER.digest}").gives(404, code=("BLOB_UNKNOWN", "NAME_UNKNOWN")),
    ),
    case(
        "deleted-tag-is-gone",
        "X2",
        delete("manifests/t").gives(202),
        head("manifests/t").gives(404),
        get("tags/list").gives(200, json={"name": "{repo}", "tags": ["u"]}),
        tags={"t": IMAGE, "u": IMAGE},
    ),
    case(
        "deleted-manifest-is-gone-with-its-tags",
        "X2",
        delete(f"manifests/{IMAGE.digest}").gives(202),
        get(f"manifests/{IMAGE.digest}").gives(404, code="MANIFEST_UNKNOWN"),
        head(f"manifests/{IMAGE.digest}").gives(404),
        get("manifests/t").gives(404, code="MANIFEST_UNKNOWN"),
        get("manifests/u").gives(404, code="MANIFEST_UNKNOWN"),
        get("tags/list").gives(200, json={"name": "{repo}", "tags": ["v"]}),
        tags={"t": IMAGE, "u": IMAGE, "v": image()},
    ),
    case(
        "deleted-blob-is-gone-and-can-come-again",
        "X2",
        delete(f"blobs/{LONG.digest}").gives(202),
        get(f"blobs/{LONG.digest}").gives(404, code="BLOB_UNKNOWN"),
        head(f"blobs/{LONG.digest}").gives(404),
        opened(),
        chunk(LONG.data, 0),
        closed(LONG),
        serves(LONG),
        given=LONG,
    ),
    case(
        "deleted-manifest-can-come-again",
        "X2",
        delete(f"manifests/{IMAGE.digest}").gives(202),
        put_manifest(IMAGE, "t").gives(201),
        get("manifests/t").gives(200, body=IMAGE.data),
        tags={"t": IMAGE},
    ),
    case(
        "deleted-child-leaves-its-index",
        "X2",
        delete(f"manifests/{IMAGE.digest}").gives(202, 400, 403, 405, 409),
        get("manifests/i").gives(200, body=INDEX.data),
        tags={"i": INDEX},
    ),
)
