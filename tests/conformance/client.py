"""A client as docker is one: it learns from the 401's challenge where to get which token, and asks again."""

import re
from collections.abc import Generator, Mapping
from typing import Any

import httpx

from tests.conformance.content import Blob, Content, Manifest

TIMEOUT_S = 30


class BearerAuth(httpx.Auth):
    """Docker's token authentication; tokens are kept for as long as the tests run, which is shorter than they live.

    Args:
        credentials: name and password, or `None` for nobody.
    """

    def __init__(self, credentials: tuple[str, str] | None) -> None:
        self._credentials = credentials
        self._tokens: dict[tuple[str, str, str], str] = {}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        key = _kind(request)
        if key in self._tokens:
            request.headers["authorization"] = f"Bearer {self._tokens[key]}"
        response = yield request
        if response.status_code != 401 or "www-authenticate" not in response.headers:
            return
        answer = yield self._token_request(challenge(response))
        if answer.status_code == 200:
            answer.read()
            self._tokens[key] = answer.json()["token"]
            request.headers["authorization"] = f"Bearer {self._tokens[key]}"
            yield request

    def _token_request(self, asked: Mapping[str, str]) -> httpx.Request:
        scopes = [("scope", scope) for scope in asked.get("scope", "").split(" ") if scope]
        request = httpx.Request("GET", asked["realm"], params=[("service", asked.get("service", "")), *scopes])
        if self._credentials:
            request.headers["authorization"] = basic(*self._credentials)
        return request


def _kind(request: httpx.Request) -> tuple[str, str, str]:
    """Requests of one kind get by with one token."""
    name = re.match(r"/v2/(.+?)/(?:blobs|manifests|tags|referrers)/", request.url.path)
    action = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "push")
    mounts_from = request.url.params.get("from", "")
    return name[1] if name else request.url.path, action, mounts_from


def basic(name: str, password: str) -> str:
    return httpx.BasicAuth(name, password)._auth_header


def challenge(response: httpx.Response) -> dict[str, str]:
    """The parameters of a Bearer challenge (RFC 6750, 3)."""
    scheme, _, parameters = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer", response.headers["www-authenticate"]
    return dict(re.findall(r'(\w+)="([^"]*)"', parameters))


class Client:
    """Somebody's requests to a server.

    Args:
        credentials: name and password, or `None` for nobody.
        has_tokens: whether it knows how to get tokens.
    """

    def __init__(self, url: str, credentials: tuple[str, str] | None = None, *, has_tokens: bool = True) -> None:
        auth = BearerAuth(credentials) if has_tokens else None
        self.http = httpx.Client(base_url=url, auth=auth, timeout=TIMEOUT_S)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, target: str, **more: Any) -> httpx.Response:
        return self.http.request(method, target, **more)

    def push_blob(self, repository: str, blob: Content) -> None:
        location = _checked(self.request("POST", f"/v2/{repository}/blobs/uploads/"), 202).headers["location"]
        url = self.http.base_url.join(location).copy_merge_params({"digest": blob.digest})
        _checked(self.http.put(url, content=blob.data), 201)

    def push_manifest(self, repository: str, manifest: Content, reference: str = "") -> None:
        target = f"/v2/{repository}/manifests/{reference or manifest.digest}"
        answer = self.request("PUT", target, content=manifest.data, headers={"content-type": manifest.media_type})
        _checked(answer, 201)

    def push(self, repository: str, content: Content, tag: str = "") -> None:
        """Push a blob, or a manifest with all that it needs."""
        if not isinstance(content, Manifest):
            self.push_blob(repository, content)
            return
        for part in content.closure():
            if isinstance(part, Blob):
                self.push_blob(repository, part)
            else:
                self.push_manifest(repository, part, tag if part is content else "")


def _checked(response: httpx.Response, status: int) -> httpx.Response:
    assert response.status_code == status, shown(response)
    return response


def shown(response: httpx.Response) -> str:
    """An answer as a person reads it in a failure."""
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    request = response.request
    return f"{request.method} {request.url}\n{response.status_code}\n{headers}\n\n{response.text[:2000]}"
