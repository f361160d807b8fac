"""The specification's lines (OCI distribution-spec main, July 2026): each has one case or more, which a test holds.

`[dev]` marks what is new or stricter since v1.1.1. In `cases`, a row names the line that it is about.
"""

from typing import Final

CHECKLIST: Final = {
    "P1": "GET /v2/ is 200, or 401 with a challenge",
    "P2": "the grammar of names, and of tags of at most 128 characters",
    "P3": "a manifest: its exact bytes and its stored Content-Type without parameters; 404",
    "P4": "a blob: 200 or 404",
    "P5": "HEAD of both with Content-Length; Docker-Content-Digest on GET and HEAD (MUST [dev])",
    "P6": "Range on blobs: 206 with Content-Range, 416",
    "B1": "POST opens a session: 202, Location",
    "B2": "PUT ?digest= closes it: 201, Location",
    "B3": "a single POST ?digest= is enough: 201",
    "B4": "PATCH with Content-Range a-b: 202, Location, Range 0-end",
    "B5": "an out-of-order PATCH is 416, and an out-of-order closing PUT [dev]",
    "B6": "GET of a session: 204, Location, Range",
    "B7": "OCI-Chunk-Min-Length if, and only if, there is a minimum",
    "B8": "DELETE of a session: 204 [dev]; unfinished uploads time out",
    "B9": "a bad or unsupported digest is 400",
    "B10": "?digest-algorithm=sha512 on POST [dev]",
    "B11": "a mount with from is 201, else 202",
    "B12": "a mount without from is 201 or 202",
    "B13": "a streamed PATCH without Content-Range",
    "M1": "PUT of a manifest: 201, Location, bytes kept",
    "M2": "a missing subject is accepted",
    "M3": "a missing blob or child is refused: MANIFEST_BLOB_UNKNOWN",
    "M4": "OCI-Subject for an image and an index",
    "M5": "a size limit of at least 4 MB: above it 413",
    "M6": "parameters of Content-Type are ignored",
    "M7": "PUT by digest with ?tag=a&tag=b, at least ten: OCI-Tag; 414 [dev]",
    "D1": "tags are sorted",
    "D2": "n, last, Link rel=next; n=0 is empty, without Link",
    "D3": "referrers: 200 with an empty index, never 404; 400 on a bad digest",
    "D4": "artifactType falls back to config.mediaType for an image, is left out for an index; annotations are copied",
    "D5": "?artifactType= filters: OCI-Filters-Applied",
    "D6": "Link when referrers are paged",
    "D7": "manifests under the fallback tag with a valid subject are listed",
    "X1": "DELETE of a tag, a manifest, a blob: 202; 404 if absent",
    "X2": "404 afterwards",
    "G1": "errors are JSON with one of 14 codes",
    "G2": "429 with Retry-After [dev]",
    "G3": 'Warning: 299 - "…", without a date, at most 4,096 bytes',
    "G4": "?ns=host gives OCI-Namespace if it is used [dev]",
}

CODES: Final = frozenset(
    {
        "BLOB_UNKNOWN",
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_UNKNOWN",
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "SIZE_INVALID",
        "UNAUTHORIZED",
        "DENIED",
        "UNSUPPORTED",
        "TOOMANYREQUESTS",
    }
)
"""The specification's error codes (Error Codes)."""

OWN_CODE: Final = "UNAVAILABLE"
"""The one code beside them: this server, or what it needs, cannot do its work."""
