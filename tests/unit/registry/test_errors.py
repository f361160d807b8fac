"""The map to the wire: every error has a place in it, and it says nothing that the specification does not know."""

import inspect
import json
from collections.abc import Callable

import pytest

from roadstead.core import errors as core
from roadstead.core.errors import RoadsteadError
from roadstead.registry import errors
from tests.conformance.checklist import CODES

ARGUMENTS = {"offset": 3, "size_bytes": 3, "retry_after_s": 3}


def instance(cls: type[RoadsteadError]) -> RoadsteadError:
    make: Callable[..., RoadsteadError] = cls
    needed = [name for name in ARGUMENTS if name in inspect.signature(cls).parameters]
    return make("what was wrong", **{name: ARGUMENTS[name] for name in needed})


def everyone() -> list[type[RoadsteadError]]:
    return [cls for cls in vars(core).values() if isinstance(cls, type) and issubclass(cls, RoadsteadError)]


def test_the_codes_are_those_of_the_specification_and_one_more() -> None:
    emitted = {code for code, _status in errors.WIRE.values()}
    assert emitted == CODES | {"UNAVAILABLE"}


@pytest.mark.parametrize("cls", everyone(), ids=lambda cls: cls.__name__)
def test_every_error_has_a_code_a_status_and_the_json_form(cls: type[RoadsteadError]) -> None:
    error = instance(cls)
    code, status = errors.on_the_wire(error)
    assert 400 <= status < 600
    (entry,) = json.loads(errors.body(error))["errors"]
    assert entry["code"] == code
    assert "what was wrong" in entry["message"]


@pytest.mark.parametrize("cls", everyone(), ids=lambda cls: cls.__name__)
def test_who_is_to_come_back_is_told_when(cls: type[RoadsteadError]) -> None:
    error = instance(cls)
    _code, status = errors.on_the_wire(error)
    assert (errors.retry_after_s(error) is not None) == (status in (429, 503, 507))


def test_misuse_is_the_callers_and_failure_is_ours() -> None:
    for cls in everyone():
        _code, status = errors.on_the_wire(instance(cls))
        assert (status < 500) == issubclass(cls, core.Misuse)
