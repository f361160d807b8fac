"""Plays the table of cases against a real server."""

from collections.abc import Mapping

import pytest

from tests.conformance import test_limits, test_referrers_paged, test_warnings
from tests.conformance.case import Case
from tests.conformance.cases import CASES
from tests.conformance.checklist import CHECKLIST
from tests.conformance.client import Client
from tests.conformance.conftest import ON_BOTH
from tests.conformance.play import play

_ELSEWHERE = {
    "B8": test_limits.test_an_idle_session_times_out,
    "D6": test_referrers_paged.test_all_referrers_come_page_by_page,
    "G2": test_limits.test_too_many_requests,
    "G3": test_warnings.test_warning_headers_are_of_the_form,
}
"""Lines whose cases no row can say."""


def test_every_line_of_the_checklist_has_a_case() -> None:
    assert {case.line for case in CASES} | _ELSEWHERE.keys() == CHECKLIST.keys()


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@ON_BOTH
@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case.line}-{case.id}" for case in CASES])
def test_case(number: int, clients: Mapping[str, Client]) -> None:
    case: Case = CASES[number]
    play(case, clients, f"alice/case-{number}")
