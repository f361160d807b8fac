"""App passwords: made, listed, revoked; and what they may not be."""

import pytest
import sqlalchemy as sa

from roadstead.auth import app_passwords
from roadstead.core.access.account import Account
from roadstead.core.access.rights import Action
from roadstead.core.errors import Conflict, Invalid, InvalidName, UnknownName
from roadstead.index import tables
from tests.unit.auth.rig import AuthRig


@pytest.fixture
def alice(rig: AuthRig) -> Account:
    return rig.account("alice")


def test_the_secret_is_told_once_and_not_kept(rig: AuthRig, alice: Account) -> None:
    made, secret = rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=1))
    assert secret.startswith("rsp_")
    rows = rig.database.read_now(lambda c: c.execute(sa.select(tables.app_passwords)).all())
    assert secret not in repr(rows)
    assert rig.database.read_now(lambda c: app_passwords.of_account(c, alice.id)) == [made]


def test_a_label_is_used_once_until_it_is_revoked(rig: AuthRig, alice: Account) -> None:
    first, _ = rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=1))
    with pytest.raises(Conflict):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=2))
    gone = rig.write(lambda c: app_passwords.revoke(c, alice, "ci", now_ms=3))
    assert (gone.id, gone.revoked_at_ms) == (first.id, 3)
    with pytest.raises(UnknownName):
        rig.write(lambda c: app_passwords.revoke(c, alice, "ci", now_ms=4))
    again, _ = rig.write(lambda c: app_passwords.create(c, alice, "ci", now_ms=5))
    assert again.id != first.id


def test_patterns_are_kept_with_the_accounts_own_name(rig: AuthRig, alice: Account) -> None:
    patterns = ["alice.localhost/app", "did:web:alice.localhost/app/sub/*", "alice/*", "alice/app", "*"]
    made, _ = rig.write(lambda c: app_passwords.create(c, alice, "ci", repositories=patterns, now_ms=1))
    assert made.limits.repositories == ("alice/app", "alice/app/sub/*", "alice/*", "*")


@pytest.mark.parametrize(
    "pattern", ["", "app", "/*", "alice/", "alice/a*", "alice/**", "*/app", "alice/UPPER", "alice/../*"]
)
def test_malformed_patterns(pattern: str, rig: AuthRig, alice: Account) -> None:
    with pytest.raises(InvalidName):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", repositories=[pattern], now_ms=1))


@pytest.mark.parametrize("label", ["", "x" * 65, "a\nb"])
def test_labels_that_nobody_could_read(label: str, rig: AuthRig, alice: Account) -> None:
    with pytest.raises(Invalid):
        rig.write(lambda c: app_passwords.create(c, alice, label, now_ms=1))


def test_what_cannot_be(rig: AuthRig, alice: Account) -> None:
    with pytest.raises(UnknownName):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", repositories=["nobody/*"], now_ms=1))
    with pytest.raises(Invalid):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", actions=[], now_ms=1))
    with pytest.raises(Invalid):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", repositories=[], now_ms=1))
    with pytest.raises(Invalid):
        rig.write(lambda c: app_passwords.create(c, alice, "ci", actions=[Action.PULL], now_ms=9, expires_at_ms=9))
