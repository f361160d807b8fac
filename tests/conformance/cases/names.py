"""Determining Support, and the grammar of names and tags (Pulling manifests)."""

import re

from tests.conformance.case import Case, Step, ask, case, get, put_manifest
from tests.conformance.content import IMAGE, LAYER, Blob

_SMALL = Blob(b"x")
_LONGEST = "long/" * 48 + "nam/names"
_TAGS = ("_", "A", "0", "v1.0.0-rc.1_2", "x" * 128, "latest", "a..b", "a--b", "UPPER")
_BAD_TAGS = (".a", "-a", "x" * 129, "a+b", "a%20b", "%C3%A4")
_NAMES = ("a", "0", "a/b/c/d/e", "a.b", "a_b", "a__b", "a-b", "a---b", "a0/b-c/d.e")
_BAD_NAMES = {
    "dots": "alice/%2E%2E/bob/app",
    "dots-inside": "alice/a%2E%2Eb",
    "one-dot": "alice/%2E/app",
    "upper-case": "alice/App",
    "upper-case-owner": "Alice/app",
    "300-characters": "alice/" + "a" * 294,
    "slash-twice": "alice//app",
    "three-underscores": "alice/a___b",
    "ends-with-dash": "alice/app-",
    "begins-with-dot": "alice/.app",
    "space": "alice/a%20b",
    "zero-byte": "alice/a%00b",
    "newline": "alice/app%0A",
    "letter-beyond-ascii": "alice/%C3%A4",
    "backslash": "alice/a%5Cb",
}


def _refused(name: str) -> tuple[Step, ...]:
    """Each endpoint refuses the name and makes nothing of it."""
    return (
        get(f"/v2/{name}/manifests/latest").gives(400, code="NAME_INVALID"),
        get(f"/v2/{name}/blobs/{LAYER.digest}").gives(400, code="NAME_INVALID"),
        get(f"/v2/{name}/tags/list").gives(400, code="NAME_INVALID"),
        get(f"/v2/{name}/referrers/{IMAGE.digest}").gives(400, code="NAME_INVALID"),
        ask("POST", f"/v2/{name}/blobs/uploads/").gives(400, code="NAME_INVALID"),
        ask("PUT", f"/v2/{name}/manifests/latest", body=IMAGE.data, content_type=IMAGE.media_type).gives(
            400, code="NAME_INVALID"
        ),
        ask("DELETE", f"/v2/{name}/manifests/latest").gives(400, code="NAME_INVALID"),
    )


CASES: tuple[Case, ...] = (
    case("version-check", "P1", get("/v2/").gives(200)),
    case("version-check-without-slash", "P1", get("/v2").gives(200, 301, 307, 308, 404)),
    case(
        "version-check-by-nobody-is-challenged",
        "P1",
        get("/v2/", by="bare").gives(
            401, code="UNAUTHORIZED", www_authenticate=re.compile(r'Bearer realm="http.+/auth/token",service=".+".*')
        ),
    ),
    *(
        case(
            f"tag-{tag[:12]}-{len(tag)}",
            "P2",
            put_manifest(IMAGE, tag).gives(201),
            get(f"manifests/{tag}").gives(200, body=IMAGE.data),
            given=IMAGE,
        )
        for tag in _TAGS
    ),
    *(
        case(
            f"bad-tag-{tag[:12]}-{len(tag)}",
            "P2",
            put_manifest(IMAGE, tag).gives(400, 404, code=("NAME_INVALID", "MANIFEST_UNKNOWN")),
            given=IMAGE,
        )
        for tag in _BAD_TAGS
    ),
    *(
        case(
            f"name-{name.replace('/', '-over-')}",
            "P2",
            ask(
                "POST", f"/v2/{{repo}}/{name}/blobs/uploads/", params={"digest": _SMALL.digest}, body=_SMALL.data
            ).gives(201),
            get(f"/v2/{{repo}}/{name}/blobs/{_SMALL.digest}").gives(200, body=_SMALL.data),
        )
        for name in _NAMES
    ),
    case(
        "longest-name",
        "P2",
        ask(
            "POST",
            f"/v2/alice/{_LONGEST}/blobs/uploads/",
            params={"digest": _SMALL.digest},
            body=_SMALL.data,
        ).gives(201),
        get(f"/v2/alice/{_LONGEST}/blobs/{_SMALL.digest}").gives(200),
    ),
    *(case(f"bad-name-{what}", "P2", *_refused(name)) for what, name in _BAD_NAMES.items()),
    case(
        "name-of-one-component",
        "P2",
        get("/v2/app/manifests/latest").gives(400, 404, code=("NAME_INVALID", "NAME_UNKNOWN")),
    ),
)
