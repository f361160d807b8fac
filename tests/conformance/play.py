"""Plays a case and says what was not as it has to be."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from tests.conformance.case import Case, Expected, HeaderValue, Step
from tests.conformance.checklist import CODES, OWN_CODE
from tests.conformance.client import Client, shown


def play(case: Case, clients: Mapping[str, Client], repository: str) -> None:
    """Push what is given, then make each request and hold its answer against what is expected."""
    host = clients["alice"].http.base_url.netloc.decode()
    world = {"repo": repository, "other": f"{repository}-other", "host": host}
    for content in case.given:
        clients["alice"].push(repository, content)
    for tag, content in case.tags.items():
        clients["alice"].push(repository, content, tag)
    for number, step in enumerate(case.steps, 1):
        response = _make(step, clients[step.by], world)
        wrong = list(differences(step.expected, response, world))
        assert not wrong, f"step {number}: " + "; ".join(wrong) + "\n" + shown(response)
        world |= {name: response.headers[header] for name, header in step.keeps.items()}


def _make(step: Step, client: Client, world: Mapping[str, str]) -> httpx.Response:
    target = step.target.format(**world)
    if not target.startswith(("/", "http")):
        target = f"/v2/{world['repo']}/{target}"
    url = client.http.base_url.join(target)
    if step.params:
        url = url.copy_merge_params([(name, value.format(**world)) for name, value in step.params])
    body = _pieces(step.body) if step.streamed and step.body else step.body
    return client.http.request(step.method, url, headers=step.headers, content=body)


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


def differences(expected: Expected, response: httpx.Response, world: Mapping[str, str]) -> Iterator[str]:
    """In what the answer is not as expected, a sentence each."""
    if response.status_code not in expected.status:
        yield f"status {response.status_code}, expected {' or '.join(map(str, expected.status))}"
    for name, value in expected.headers.items():
        found = response.headers.get(name)
        if found is None or not _is(found, value, world):
            yield f"{name} is {found!r}, expected {getattr(value, 'pattern', value)!r}"
    for name in expected.without:
        if name in response.headers:
            yield f"{name} is {response.headers[name]!r}, expected none"
    if expected.body is not None and response.content != expected.body:
        yield f"{len(response.content)} bytes, expected {len(expected.body)} (or they differ)"
    if expected.json is not None and response.json() != _filled(expected.json, world):
        yield f"expected {_filled(expected.json, world)}"
    if expected.code is not None:
        yield from error_differences(response, *expected.code)


def error_differences(response: httpx.Response, *codes: str) -> Iterator[str]:
    """In what the answer is not an error of one of the codes (OCI distribution-spec, Error Codes)."""
    if response.request.method == "HEAD":
        return
    if response.headers.get("content-type", "").partition(";")[0] != "application/json":
        yield f"an error of type {response.headers.get('content-type')!r}, expected application/json"
        return
    errors = json.loads(response.content).get("errors")
    if not isinstance(errors, list) or not errors:
        yield "an error without errors[]"
        return
    for error in errors:
        if not set(error) <= {"code", "message", "detail"} or not isinstance(error.get("message", ""), str):
            yield f"an error of another shape: {error}"
        if error.get("code") not in CODES | {OWN_CODE}:
            yield f"an error code that the specification has not: {error.get('code')}"
    if errors[0]["code"] not in codes:
        yield f"error {errors[0]['code']}, expected {' or '.join(codes)}"


def _is(found: str, expected: HeaderValue, world: Mapping[str, str]) -> bool:
    if isinstance(expected, re.Pattern):
        return expected.fullmatch(found) is not None
    return found == expected.format(**world)


def _filled(value: Any, world: Mapping[str, str]) -> Any:
    """An expected JSON document with its placeholders filled."""
    if isinstance(value, dict):
        return {name: _filled(inner, world) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, world) for inner in value]
    return value.format(**world) if isinstance(value, str) else value
