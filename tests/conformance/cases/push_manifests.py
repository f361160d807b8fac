"""Push: manifests, their subjects, their tags, their limits."""

import re
from dataclasses import replace

from tests.conformance.case import ANY, Case, Expected, ask, case, get, head, put_manifest
from tests.conformance.content import (
    ABSENT,
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    EMPTY,
    IMAGE,
    INDEX,
    LAYER,
    LAYER512,
    OCI_LAYER,
    OCI_MANIFEST,
    Blob,
    Manifest,
    artifact,
    as_json,
    image,
    index,
)

_MIB = 1024 * 1024
_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
_GONE = {"mediaType": OCI_LAYER, "digest": ABSENT, "size": 10}
_GONE_IMAGE = {"mediaType": OCI_MANIFEST, "digest": ABSENT, "size": 10}
_SBOM = artifact("application/spdx+json", IMAGE)
_INDEX_ABOUT = index(IMAGE, subject=IMAGE.descriptor(), artifactType="application/vnd.example.set")
_TEN = tuple(("tag", f"t{number}") for number in range(10))


def _image_of(size: int) -> Manifest:
    """An image whose manifest has so many bytes."""
    short = image(LAYER, annotations={"fill": ""})
    return image(LAYER, annotations={"fill": "x" * (size - short.size)})


def _naming(needs: tuple[Blob, ...] = (CONFIG, LAYER), **fields: object) -> Manifest:
    """An image with other fields than `image` gives it, and what it needs all the same."""
    stated = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": CONFIG.descriptor(),
        "layers": [LAYER.descriptor()],
        **fields,
    }
    return Manifest(as_json(stated), OCI_MANIFEST, needs=needs)


def _pushed(id: str, line: str, manifest: Manifest, subject: str = "") -> Case:  # noqa: A002 - as in `case`
    """A manifest that is accepted by tag and by digest, and comes back as it was."""
    answer: dict[str, str | re.Pattern[str]] = {"oci-subject": subject} if subject else {}
    expected = Expected((201,), headers={"location": ANY, "docker-content-digest": manifest.digest, **answer})
    return case(
        id,
        line,
        replace(put_manifest(manifest), expected=expected),
        replace(put_manifest(manifest, "t"), expected=expected),
        get("manifests/t").gives(200, body=manifest.data, content_type=manifest.media_type),
        given=manifest.needs,
    )


def _refused(id: str, manifest: Manifest) -> Case:  # noqa: A002 - as in `case`
    return case(
        id,
        "M3",
        put_manifest(manifest, "t").gives(404, code="MANIFEST_BLOB_UNKNOWN"),
        head("manifests/t").gives(404),
        head(f"manifests/{manifest.digest}").gives(404),
        given=(CONFIG, LAYER, IMAGE),
    )


CASES: tuple[Case, ...] = (
    _pushed("image", "M1", IMAGE),
    _pushed("index-of-image", "M1", INDEX),
    _pushed("index-of-index", "M1", index(INDEX)),
    _pushed("index-of-nothing", "M1", index()),
    _pushed("image-without-layers", "M1", image()),
    _pushed("image-with-sha512-layer", "M1", image(LAYER512)),
    _pushed(
        "image-with-data-in-descriptor", "M1", _naming(layers=[EMPTY.descriptor(data="e30=")], needs=(CONFIG, EMPTY))
    ),
    _pushed("image-with-fields-of-its-own", "M1", _naming(orgExampleExtra={"deep": [1, None, "ä"]})),
    _pushed(
        "image-of-docker",
        "M1",
        image(Blob(LAYER.data, DOCKER_LAYER), config=Blob(b'{"a":1}', DOCKER_CONFIG), media_type=DOCKER_MANIFEST),
    ),
    _pushed("index-of-docker", "M1", index(image(LAYER, media_type=DOCKER_MANIFEST), media_type=DOCKER_INDEX)),
    _pushed("artifact", "M1", artifact("application/vnd.example.thing")),
    _pushed(
        "chart",
        "M1",
        image(
            Blob(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
            config=Blob(b'{"name":"c"}', "application/vnd.cncf.helm.config.v1+json"),
        ),
    ),
    case(
        "without-media-type",
        "M1",
        ask(
            "PUT",
            "manifests/t",
            body=_naming(mediaType=None).data.replace(b' "mediaType": null,\n', b""),
            content_type=OCI_MANIFEST,
        ).gives(201),
        get("manifests/t").gives(200, content_type=OCI_MANIFEST),
        given=(CONFIG, LAYER),
    ),
    case(
        "location-is-pullable",
        "M1",
        put_manifest(IMAGE, "t").gives(201).keeping(here="location"),
        get("{here}").gives(200, body=IMAGE.data),
        given=IMAGE.needs,
    ),
    case(
        "tag-moves",
        "M1",
        put_manifest(image(), "t").gives(201),
        get("manifests/t").gives(200, body=image().data, docker_content_digest=image().digest),
        get(f"manifests/{IMAGE.digest}").gives(200, body=IMAGE.data),
        tags={"t": IMAGE},
    ),
    case(
        "the-same-twice",
        "M1",
        put_manifest(IMAGE, "t").gives(201),
        put_manifest(IMAGE, "t").gives(201),
        put_manifest(IMAGE, "u").gives(201),
        get("tags/list").gives(200, json={"name": "{repo}", "tags": ["t", "u"]}),
        given=IMAGE.needs,
    ),
    case(
        "sha512",
        "M1",
        put_manifest(image(LAYER, algorithm="sha512")).gives(
            201, docker_content_digest=image(LAYER, algorithm="sha512").digest
        ),
        get(f"manifests/{image(LAYER, algorithm='sha512').digest}").gives(200, body=IMAGE.data),
        given=IMAGE.needs,
    ),
    _pushed("subject-missing", "M2", _naming(subject=_GONE_IMAGE), subject=ABSENT),
    _pushed("subject-missing-of-index", "M2", index(subject=_GONE_IMAGE), subject=ABSENT),
    _refused("layer-missing", _naming(layers=[LAYER.descriptor(), _GONE])),
    _refused("config-missing", _naming(config=_GONE)),
    _refused(
        "child-missing", Manifest(index(IMAGE).data.replace(IMAGE.digest.encode(), ABSENT.encode()), index().media_type)
    ),
    case("all-missing", "M3", put_manifest(IMAGE, "t").gives(404, code=("MANIFEST_BLOB_UNKNOWN", "NAME_UNKNOWN"))),
    case(
        "layer-only-in-another-repository",
        "M3",
        ask("PUT", "/v2/{other}/manifests/t", body=IMAGE.data, content_type=OCI_MANIFEST).gives(
            404, code=("MANIFEST_BLOB_UNKNOWN", "NAME_UNKNOWN")
        ),
        given=IMAGE,
    ),
    _pushed(
        "foreign-layer-missing",
        "M3",
        _naming(layers=[{**_GONE, "mediaType": _FOREIGN, "urls": ["https://example.com/layer"]}]),
    ),
    _pushed("subject-of-image", "M4", _SBOM, subject=IMAGE.digest),
    _pushed("subject-of-index", "M4", _INDEX_ABOUT, subject=IMAGE.digest),
    case(
        "no-subject",
        "M4",
        put_manifest(IMAGE).gives(201, without=("oci-subject",)),
        given=IMAGE.needs,
    ),
    _pushed("four-million-bytes", "M5", _image_of(4_000_000)),
    _pushed("four-mib", "M5", _image_of(4 * _MIB)),
    *(
        case(
            f"above-four-mib-by-{more}{'-streamed' if streamed else ''}",
            "M5",
            put_manifest(_image_of(4 * _MIB + more), "t", streamed=streamed).gives(
                413, code=("MANIFEST_INVALID", "SIZE_INVALID")
            ),
            head("manifests/t").gives(404),
            given=(IMAGE),
        )
        for more in (1, 4 * _MIB)
        for streamed in (False, True)
    ),
    case(
        "parameters-of-content-type",
        "M6",
        put_manifest(IMAGE, "t", content_type=f"{OCI_MANIFEST}; charset=utf-8").gives(201),
        get("manifests/t").gives(200, content_type=OCI_MANIFEST, body=IMAGE.data),
        put_manifest(IMAGE, "u", content_type=f"{OCI_MANIFEST};charset=utf-8;x=y").gives(201),
        head("manifests/u").gives(200, content_type=OCI_MANIFEST),
        given=IMAGE.needs,
    ),
    case(
        "ten-tags",
        "M7",
        put_manifest(IMAGE, params=_TEN).gives(
            201, oci_tag=re.compile(", ?".join(tag for _, tag in _TEN)), docker_content_digest=IMAGE.digest
        ),
        get("tags/list").gives(200, json={"name": "{repo}", "tags": [tag for _, tag in _TEN]}),
        get("manifests/t7").gives(200, body=IMAGE.data),
        given=IMAGE.needs,
    ),
    case(
        "one-tag",
        "M7",
        put_manifest(IMAGE, params={"tag": "one"}).gives(201, oci_tag="one"),
        head("manifests/one").gives(200, docker_content_digest=IMAGE.digest),
        given=IMAGE.needs,
    ),
    case(
        "tags-with-sha512",
        "M7",
        put_manifest(image(LAYER, algorithm="sha512"), params={"tag": "one"}).gives(201, oci_tag="one"),
        head("manifests/one").gives(200, docker_content_digest=image(LAYER, algorithm="sha512").digest),
        given=IMAGE.needs,
    ),
    case(
        "tags-one-of-them-bad",
        "M7",
        put_manifest(IMAGE, params=(("tag", "good"), ("tag", "-bad"))).gives(
            400, code=("NAME_INVALID", "MANIFEST_INVALID")
        ),
        head("manifests/good").gives(404),
        given=(*IMAGE.needs, image()),
    ),
    case("no-tags-no-header", "M7", put_manifest(IMAGE).gives(201, without=("oci-tag",)), given=IMAGE.needs),
    *(
        case(
            f"too-many-tags-{many}",
            "M7",
            put_manifest(IMAGE, params=tuple(("tag", f"tag-{number}") for number in range(many))).gives(
                *statuses, code="UNSUPPORTED"
            ),
            get("manifests/tag-0").gives(404),
            given=IMAGE.needs,
        )
        for many, statuses in ((100, (414,)), (2000, (400, 414)))
    ),
)
