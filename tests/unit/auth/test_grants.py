"""Grants: given, taken back, and to whom they cannot be given."""

import pytest

from roadstead.auth import grants
from roadstead.core.access.rights import Action, Visibility
from roadstead.core.errors import Invalid, InvalidName, UnknownName
from roadstead.index import repositories
from tests.unit.auth.rig import AuthRig


def test_granting_and_revoking(rig: AuthRig) -> None:
    alice, bob = rig.account("alice"), rig.account("bob")
    repository_id = rig.repository(alice, "app/sub", Visibility.PRIVATE)
    generation = rig.database.generation.of(repository_id)
    for _ in range(2):
        row = rig.write(lambda c: grants.grant(c, "alice.localhost/app/sub", "bob.localhost", Action.PUSH, now_ms=1))
    assert row.name == "alice/app/sub"
    rig.write(lambda c: grants.grant(c, "alice/app/sub", "bob", Action.DELETE, now_ms=2))
    assert rig.database.generation.of(repository_id) != generation

    def granted() -> object:
        found = rig.database.read_now(lambda c: repositories.by_id(c, repository_id))
        assert found is not None
        return found.grants

    assert granted() == {bob.id: {"push", "delete"}}
    rig.write(lambda c: grants.revoke(c, "alice/app/sub", "bob", Action.PUSH, now_ms=3))
    assert granted() == {bob.id: {"delete"}}
    with pytest.raises(UnknownName):
        rig.write(lambda c: grants.revoke(c, "alice/app/sub", "bob", Action.PUSH, now_ms=4))


def test_to_whom_and_of_what_not(rig: AuthRig) -> None:
    alice = rig.account("alice")
    rig.repository(alice, "app", Visibility.PUBLIC)

    def fails(kind: type[Exception], name: str, grantee: str) -> None:
        with pytest.raises(kind):
            rig.write(lambda c: grants.grant(c, name, grantee, Action.PULL, now_ms=1))

    fails(Invalid, "alice/app", "alice")
    fails(UnknownName, "alice/app", "nobody")
    fails(UnknownName, "alice/absent", "alice")
    fails(UnknownName, "nobody/app", "alice")
    fails(InvalidName, "app", "alice")
    fails(InvalidName, "alice/app", "No Body")
