"""A case: what a repository holds, requests in turn, and what each has to be answered.

A target is relative to the case's repository (`blobs/…`), absolute (`/v2/…`), or has a placeholder: `{session}` is what
a former step kept, `{repo}` and `{other}` are two repositories of alice that belong to the case alone, and `{host}` is
the server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.conformance.content import Content

ANY = re.compile(r"(?s).+")
"""A header that has to be there, with whatever value."""

HeaderValue = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer has to be; what is `None` is not looked at."""

    status: tuple[int, ...]
    code: tuple[str, ...] | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    body: bytes | None = None
    json: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """One request and its answer."""

    method: str
    target: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    streamed: bool = False
    by: str = "alice"
    expected: Expected = Expected(())
    keeps: Mapping[str, str] = field(default_factory=dict)

    def gives(
        self,
        *status: int,
        code: str | tuple[str, ...] | None = None,
        body: bytes | None = None,
        json: Any = None,
        without: tuple[str, ...] = (),
        **headers: HeaderValue,
    ) -> "Step":
        """The answer's status (one of), error code (one of), body, and headers (`content_range="…"`)."""
        codes = (code,) if isinstance(code, str) else code
        return replace(self, expected=Expected(status, codes, _dashed(headers), without, body, json))

    def keeping(self, **headers: str) -> "Step":
        """Keep an answer's header (`session="location"`) as a placeholder of later steps."""
        return replace(self, keeps=headers)


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table.

    Args:
        id: what the case is about, unlike any other's.
        line: the checklist's line.
        steps: requests in turn.
        given: what alice has pushed into the case's repository before; a manifest brings what it needs.
        tags: tags that she has pushed before.
    """

    id: str
    line: str
    steps: tuple[Step, ...]
    given: tuple[Content, ...] = ()
    tags: Mapping[str, Content] = field(default_factory=dict)


def case(
    id: str,  # noqa: A002 - pytest's own word for it
    line: str,
    *steps: Step,
    given: Content | tuple[Content, ...] = (),
    tags: Mapping[str, Content] | None = None,
) -> Case:
    """A row, written with less ceremony."""
    return Case(id, line, steps, given if isinstance(given, tuple) else (given,), tags or {})


def ask(
    method: str,
    target: str,
    *,
    params: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
    body: bytes | None = None,
    streamed: bool = False,
    by: str = "alice",
    **headers: str,
) -> Step:
    """A request; headers are keywords (`content_range="0-99"`). `streamed` sends the body without Content-Length."""
    pairs = tuple(params.items()) if isinstance(params, Mapping) else params
    return Step(method, target, pairs, _dashed(headers), body, streamed, by)


def _dashed(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


# The requests that most cases are made of.


def get(target: str, **more: Any) -> Step:
    return ask("GET", target, **more)


def head(target: str, **more: Any) -> Step:
    return ask("HEAD", target, **more)


def delete(target: str, **more: Any) -> Step:
    return ask("DELETE", target, **more)


def put_manifest(manifest: Content, reference: str = "", **more: Any) -> Step:
    """PUT of a manifest by its digest, or another reference, with its own media type unless another is given."""
    more.setdefault("content_type", manifest.media_type)
    return ask("PUT", f"manifests/{reference or manifest.digest}", body=manifest.data, **more)


def opened(**more: Any) -> Step:
    """POST that opens a session, kept as `{session}`."""
    return ask("POST", "blobs/uploads/", **more).gives(202, location=ANY).keeping(session="location")


def chunk(data: bytes, start: int, **more: Any) -> Step:
    """PATCH of the session with a chunk that begins at `start`, answered as a good one."""
    end = start + len(data) - 1
    step = ask("PATCH", "{session}", body=data, content_range=f"{start}-{end}", **more)
    return step.gives(202, location=ANY, range=f"0-{end}").keeping(session="location")


def closed(content: Content, body: bytes = b"", **more: Any) -> Step:
    """PUT that closes the session, answered as a good one; `body` is the last chunk."""
    return ask("PUT", "{session}", params={"digest": content.digest}, body=body, **more).gives(
        201, location=re.compile(rf".*/blobs/{content.digest}$"), docker_content_digest=content.digest
    )


def serves(blob: Content) -> Step:
    """GET that gives the blob's bytes."""
    return get(f"blobs/{blob.digest}").gives(200, body=blob.data, docker_content_digest=blob.digest)
