"""Who gets a token that names what, and whose a token is that comes back."""

import asyncio
from collections.abc import Sequence

import pytest

from roadstead.auth import app_passwords, grants
from roadstead.core.access.rights import ANONYMOUS, NOBODY, Action, Asker, RepositoryRights, Visibility, require
from roadstead.core.access.scope import CATALOG_SCOPE, Scope
from roadstead.core.access.token import encode, generate_key, key_id, verify
from roadstead.core.errors import Denied, Misuse, Unauthorized, UnknownName
from roadstead.index.rights import rights_of
from tests.unit.auth.rig import ADDRESS, LIFE_S, SERVICE, AuthRig


async def _header(rig: AuthRig, asker: Asker, *scopes: str) -> bytes:
    token = await rig.tokens.issue(asker, [Scope.parse(scope) for scope in scopes])
    return b"Bearer " + token.text.encode()


async def _access(rig: AuthRig, asker: Asker, *scopes: str) -> dict[str, Sequence[str]]:
    bearer = await rig.tokens.authenticate(await _header(rig, asker, *scopes))
    assert bearer.asker == asker
    return {name: sorted(actions) for name, actions in bearer.access.items()}


def test_a_token_names_what_the_asker_may_do(rig: AuthRig) -> None:
    alice = rig.account("alice")
    rig.account("bob")
    rig.repository(alice, "app", Visibility.PUBLIC)
    rig.repository(alice, "secret", Visibility.PRIVATE)
    rig.write(lambda c: grants.grant(c, "alice/secret", "bob", Action.PUSH, now_ms=1))

    async def scenario() -> None:
        everything = [f"repository:alice/{path}:pull,push,delete" for path in ("app", "secret", "absent")]
        every = ["delete", "pull", "push"]
        assert await _access(rig, await rig.asker("alice"), *everything) == {
            "alice/app": every,
            "alice/secret": every,
            "alice/absent": every,
        }
        assert await _access(rig, await rig.asker("bob"), *everything) == {
            "alice/app": ["pull"],
            "alice/secret": ["pull", "push"],
        }
        assert await _access(rig, ANONYMOUS, *everything) == {"alice/app": ["pull"]}
        assert await _access(rig, await rig.asker("alice"), "repository:alice/app:*") == {"alice/app": every}

    asyncio.run(scenario())


def test_every_spelling_of_the_account_is_one_repository(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        alice = await rig.asker("alice")
        spellings = ("alice", "alice.localhost", "did:web:alice.localhost", "did-web-alice.localhost")
        for spelling in spellings:
            assert await _access(rig, alice, f"repository:{spelling}/app:pull") == {"alice/app": ["pull"]}
        both = [
            f"repository:{spelling}/app:{action}" for spelling, action in zip(spellings, ("pull", "push"), strict=False)
        ]
        assert await _access(rig, alice, *both) == {"alice/app": ["pull", "push"]}

    asyncio.run(scenario())


def test_names_of_nobody_here_are_in_no_token(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        asked = ("app", "nobody/app", "alice.example.com/app", "alice/UPPER", "alice/../bob", "did:plc:x/app")
        assert await _access(rig, await rig.asker("alice"), *(f"repository:{name}:pull" for name in asked)) == {}

    asyncio.run(scenario())


def test_the_catalog_and_kinds_that_are_not_known(rig: AuthRig) -> None:
    async def scenario() -> None:
        given = await rig.tokens.authenticate(await _header(rig, ANONYMOUS, str(CATALOG_SCOPE), "galaxy:far:away"))
        assert given.catalog
        assert given.access == {}
        assert not (await rig.tokens.authenticate(await _header(rig, ANONYMOUS))).catalog

    asyncio.run(scenario())


def test_no_header_is_nobody(rig: AuthRig) -> None:
    assert asyncio.run(rig.tokens.authenticate(None)) == NOBODY


async def _error(rig: AuthRig, header: bytes, name: str, action: Action) -> Misuse:
    """What a request with this header gets at a repository, as it is now."""
    with pytest.raises(Misuse) as caught:
        require(await rig.tokens.authenticate(header), await _rights(rig, name), action)
    return caught.value


async def _rights(rig: AuthRig, name: str) -> RepositoryRights:
    account, spelled = await rig.resolver.repository(name)
    return await rig.database.read(lambda connection: rights_of(connection, account, spelled.path))


def test_revoking_takes_effect_at_once(rig: AuthRig) -> None:
    alice = rig.account("alice")
    rig.account("bob")
    rig.repository(alice, "app", Visibility.PRIVATE)
    rig.write(lambda c: grants.grant(c, "alice/app", "bob", Action.PULL, now_ms=1))
    rig.write(lambda c: grants.grant(c, "alice/app", "bob", Action.PUSH, now_ms=1))

    async def scenario() -> None:
        header = await _header(rig, await rig.asker("bob"), "repository:alice/app:pull,push")
        bearer = await rig.tokens.authenticate(header)
        require(bearer, await _rights(rig, "alice/app"), Action.PUSH)
        await rig.database.write(lambda c: grants.revoke(c, "alice/app", "bob", Action.PUSH, now_ms=2))
        require(bearer, await _rights(rig, "alice/app"), Action.PULL)
        assert isinstance(await _error(rig, header, "alice/app", Action.PUSH), Denied)
        await rig.database.write(lambda c: grants.revoke(c, "alice/app", "bob", Action.PULL, now_ms=3))
        assert isinstance(await _error(rig, header, "alice/app", Action.PULL), UnknownName)

    asyncio.run(scenario())


def test_a_token_for_another_repository(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        header = await _header(rig, await rig.asker("alice"), "repository:alice/other:pull,push,delete")
        for action in Action:
            error = await _error(rig, header, "alice/app", action)
            assert isinstance(error, Unauthorized)
            assert error.error == "insufficient_scope"

    asyncio.run(scenario())


def test_an_app_password_that_is_revoked_or_over_takes_its_tokens_along(rig: AuthRig) -> None:
    alice = rig.account("alice")
    end_ms = rig.clock.now_ms + 60_000

    def make(label: str, expires_at_ms: int | None) -> str:
        made = rig.write(
            lambda c: app_passwords.create(
                c, alice, label, actions=[Action.PUSH], now_ms=rig.clock.now_ms, expires_at_ms=expires_at_ms
            )
        )
        return made[1]

    secrets = [make("revoked", None), make("short", end_ms)]

    async def scenario() -> None:
        askers = [await rig.login("alice", secret, ADDRESS) for secret in secrets]
        headers = [await _header(rig, asker, "repository:alice/app:pull,push,delete") for asker in askers]
        for header in headers:
            assert (await rig.tokens.authenticate(header)).access == {"alice/app": {"pull", "push"}}
        await rig.database.write(lambda c: app_passwords.revoke(c, alice, "revoked", now_ms=rig.clock.now_ms))
        rig.clock.now_s += 61
        for header in headers:
            with pytest.raises(Unauthorized) as caught:
                await rig.tokens.authenticate(header)
            assert caught.value.error == "invalid_token"

    asyncio.run(scenario())


def test_a_token_ends(rig: AuthRig) -> None:
    rig.account("alice")

    async def scenario() -> None:
        for asker in (ANONYMOUS, await rig.asker("alice")):
            header = await _header(rig, asker)
            rig.clock.now_s += LIFE_S - 1
            assert (await rig.tokens.authenticate(header)).asker == asker
            rig.clock.now_s += 1
            for _ in range(2):
                with pytest.raises(Unauthorized, match="expired"):
                    await rig.tokens.authenticate(header)

    asyncio.run(scenario())


def test_a_token_that_another_key_signed(rig: AuthRig) -> None:
    async def scenario() -> None:
        token = await rig.tokens.issue(ANONYMOUS, [])
        signer = await rig.keys.signer()
        claims = verify(token.text, signer, service=SERVICE, now_s=rig.clock.now_s)
        for kid in (key_id(token.text), "unknown"):
            forged = encode(claims, generate_key(kid))
            with pytest.raises(Unauthorized) as caught:
                await rig.tokens.authenticate(b"Bearer " + forged.encode())
            assert caught.value.error == "invalid_token"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"", ""),
        (b"Basic YWxpY2U6cGFzc3dvcmQ=", ""),
        (b"Bearer", ""),
        (b"Bearer ", "invalid_token"),
        (b"Bearer \xff\xfe", "invalid_token"),
        (b"Bearer " + b"a" * 100_000, "invalid_token"),
        (b"Bearer " + b"[" * 9000, "invalid_token"),
        (b"Bearer a.b.c, Bearer d.e.f", "invalid_token"),
    ],
)
def test_headers_that_are_no_token(header: bytes, error: str, rig: AuthRig) -> None:
    with pytest.raises(Unauthorized) as caught:
        asyncio.run(rig.tokens.authenticate(header))
    assert caught.value.error == error


def test_a_scheme_in_any_case(rig: AuthRig) -> None:
    async def scenario() -> None:
        header = await _header(rig, ANONYMOUS)
        for scheme in (b"bearer", b"BEARER", b"Bearer "):
            assert (await rig.tokens.authenticate(scheme + header[6:])).asker == ANONYMOUS

    asyncio.run(scenario())
