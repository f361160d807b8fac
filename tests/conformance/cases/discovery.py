"""Content discovery: tags and referrers."""

import json
import re

from tests.conformance.case import ANY, Case, Step, case, delete, get, put_manifest
from tests.conformance.content import (
    ABSENT,
    IMAGE,
    LAYER,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    artifact,
    image,
    index,
)

_EMPTY_INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
_SCATTERED = ("b", "A", "_", "a", "B", "1.10", "1.9", "aa", "Z", "0")
_SORTED = sorted(_SCATTERED)
_NOTES = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z", "ä": "ö"}
_SBOM = artifact("application/spdx+json", IMAGE, annotations=_NOTES)
_SIGNATURE = artifact("application/vnd.example.signature", IMAGE)
_UNTYPED = image(LAYER, subject=IMAGE.descriptor())
_SET = index(image(), subject=IMAGE.descriptor(), artifactType="application/vnd.example.set")
_UNTYPED_SET = index(image(), subject=IMAGE.descriptor(), annotations=_NOTES)
_SBOM512 = artifact("application/spdx+json", image(LAYER, algorithm="sha512"))


def _descriptor(manifest: Manifest) -> dict[str, object]:
    """What a list of referrers says of a manifest (distribution-spec, Listing Referrers)."""
    fields = json.loads(manifest.data)
    said: dict[str, object] = manifest.descriptor()
    fallback = fields["config"]["mediaType"] if manifest.media_type == OCI_MANIFEST else None
    if kind := fields.get("artifactType", fallback):
        said["artifactType"] = kind
    if notes := fields.get("annotations"):
        said["annotations"] = notes
    return said


def _referrers(*manifests: Manifest, subject: Manifest = IMAGE, **params: str) -> Step:
    """GET of the referrers, which are these in the order of their digests."""
    listed = [_descriptor(one) for one in sorted(manifests, key=lambda one: one.digest)]
    return get(f"referrers/{subject.digest}", params=params).gives(
        200, content_type=OCI_INDEX, json={**_EMPTY_INDEX, "manifests": listed}
    )


def _fallback_tag(subject: Manifest) -> str:
    return subject.digest.replace(":", "-")


def _tags(*tags: str) -> dict[str, object]:
    return {"name": "{repo}", "tags": list(tags)}


_SOME = dict.fromkeys(("a", "b", "c", "d", "e"), IMAGE)

CASES: tuple[Case, ...] = (
    case(
        "tags-sorted",
        "D1",
        get("tags/list").gives(200, json=_tags(*_SORTED), content_type=re.compile("application/json.*")),
        tags=dict.fromkeys(_SCATTERED, IMAGE),
    ),
    case("tags-of-a-repository-without", "D1", get("tags/list").gives(200, json=_tags()), given=IMAGE),
    case("tags-of-no-repository", "D1", get("tags/list").gives(404, code="NAME_UNKNOWN")),
    case("tags-all", "D2", get("tags/list").gives(200, json=_tags(*"abcde"), without=("link",)), tags=_SOME),
    case(
        "tags-paged",
        "D2",
        get("tags/list", params={"n": "2"}).gives(200, json=_tags("a", "b"), link=re.compile(r'<.+>; ?rel="?next"?')),
        get("tags/list", params={"n": "2", "last": "b"}).gives(200, json=_tags("c", "d"), link=ANY),
        get("tags/list", params={"n": "2", "last": "d"}).gives(200, json=_tags("e"), without=("link",)),
        get("tags/list", params={"n": "2", "last": "e"}).gives(200, json=_tags(), without=("link",)),
        tags=_SOME,
    ),
    case(
        "tags-exactly-n",
        "D2",
        get("tags/list", params={"n": "5"}).gives(200, json=_tags(*"abcde"), without=("link",)),
        tags=_SOME,
    ),
    case("tags-n-0", "D2", get("tags/list", params={"n": "0"}).gives(200, json=_tags(), without=("link",)), tags=_SOME),
    case("tags-n-large", "D2", get("tags/list", params={"n": "1000000"}).gives(200, json=_tags(*"abcde")), tags=_SOME),
    case("tags-last-alone", "D2", get("tags/list", params={"last": "c"}).gives(200, json=_tags("d", "e")), tags=_SOME),
    case(
        "tags-last-that-is-none",
        "D2",
        get("tags/list", params={"last": "bb"}).gives(200, json=_tags("c", "d", "e")),
        tags=_SOME,
    ),
    *(
        case(
            f"tags-n-{n}",
            "D2",
            get("tags/list", params={"n": n}).gives(400, code=("UNSUPPORTED", "SIZE_INVALID")),
            tags=_SOME,
        )
        for n in ("-1", "x", "1e3", "9" * 40)
    ),
    case("referrers-of-what-has-none", "D3", _referrers(), given=IMAGE),
    case(
        "referrers-of-what-is-absent",
        "D3",
        get(f"referrers/{ABSENT}").gives(200, content_type=OCI_INDEX, json=_EMPTY_INDEX),
        given=IMAGE,
    ),
    *(
        case(
            f"referrers-of-bad-digest-{number}",
            "D3",
            get(f"referrers/{digest}").gives(400, code="DIGEST_INVALID"),
            given=IMAGE,
        )
        for number, digest in enumerate(("latest", "sha256:abc", "md5:" + "0" * 32, "sha256:" + "G" * 64))
    ),
    case("referrers-with-type", "D4", _referrers(_SBOM, _SIGNATURE, _SET), given=(IMAGE, _SBOM, _SIGNATURE, _SET)),
    case("referrers-without-type", "D4", _referrers(_UNTYPED, _UNTYPED_SET), given=(IMAGE, _UNTYPED, _UNTYPED_SET)),
    case(
        "referrer-before-its-subject",
        "D4",
        _referrers(_SBOM),
        *(put_manifest(IMAGE).gives(201),),
        _referrers(_SBOM),
        given=(_SBOM, *IMAGE.needs),
    ),
    case(
        "referrer-of-sha512",
        "D4",
        _referrers(_SBOM512, subject=image(LAYER, algorithm="sha512")),
        _referrers(),
        given=(IMAGE, _SBOM512),
    ),
    case(
        "referrer-deleted",
        "D4",
        delete(f"manifests/{_SBOM.digest}").gives(202),
        _referrers(_SIGNATURE),
        given=(IMAGE, _SBOM, _SIGNATURE),
    ),
    case(
        "referrers-outlive-their-subject",
        "D4",
        delete(f"manifests/{IMAGE.digest}").gives(202),
        _referrers(_SBOM),
        given=(IMAGE, _SBOM),
    ),
    case(
        "referrers-are-the-repository's-own",
        "D4",
        get(f"/v2/{{other}}/referrers/{IMAGE.digest}").gives(200, 404),
        given=(IMAGE, _SBOM),
    ),
    case(
        "referrers-filtered",
        "D5",
        get(f"referrers/{IMAGE.digest}", params={"artifactType": "application/spdx+json"}).gives(
            200, oci_filters_applied="artifactType", json={**_EMPTY_INDEX, "manifests": [_descriptor(_SBOM)]}
        ),
        get(f"referrers/{IMAGE.digest}", params={"artifactType": OCI_CONFIG}).gives(
            200, oci_filters_applied="artifactType", json={**_EMPTY_INDEX, "manifests": [_descriptor(_UNTYPED)]}
        ),
        get(f"referrers/{IMAGE.digest}", params={"artifactType": "application/none"}).gives(
            200, oci_filters_applied="artifactType", json=_EMPTY_INDEX
        ),
        get(f"referrers/{IMAGE.digest}").gives(200, without=("oci-filters-applied",)),
        given=(IMAGE, _SBOM, _SIGNATURE, _UNTYPED),
    ),
    case(
        "fallback-tag-with-a-valid-subject",
        "D7",
        put_manifest(index(_SBOM), _fallback_tag(IMAGE)).gives(201),
        _referrers(_SBOM),
        given=(IMAGE, _SBOM),
    ),
    case(
        "fallback-tag-without-a-valid-subject",
        "D7",
        put_manifest(index(image()), _fallback_tag(IMAGE)).gives(201),
        _referrers(),
        get(f"manifests/{_fallback_tag(IMAGE)}").gives(200, body=index(image()).data),
        given=(IMAGE, image()),
    ),
)
