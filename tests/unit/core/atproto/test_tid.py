"""TIDs, against arroba's arithmetic in known values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.core.atproto.tid import Tid
from roadstead.core.errors import InvalidRecord

moments = st.integers(0, 2**53 - 1)
clock_ids = st.integers(0, 1023)


def test_a_known_tid() -> None:
    tid = Tid.of(1_700_000_000_000_000, 3)
    assert (len(str(tid)), tid.microseconds, tid.clock_id) == (13, 1_700_000_000_000_000, 3)
    assert str(Tid.of(0, 0)) == "2222222222222"
    assert Tid.parse("3jzfcijpj2z2a").clock_id == 6


@given(moments, clock_ids)
def test_a_tid_is_its_moment_and_clock(microseconds: int, clock_id: int) -> None:
    tid = Tid.parse(str(Tid.of(microseconds, clock_id)))
    assert (tid.microseconds, tid.clock_id) == (microseconds, clock_id)


@given(st.tuples(moments, clock_ids), st.tuples(moments, clock_ids))
def test_they_sort_as_their_moments(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (Tid.of(*one) < Tid.of(*other)) == (one < other)


@given(moments.filter(lambda moment: moment < 2**53 - 1), clock_ids, moments, clock_ids)
def test_the_next_one_comes_after_even_if_the_clock_went_back(then: int, clock: int, now: int, other: int) -> None:
    previous = Tid.of(then, clock)
    following = Tid.after(previous, now, other)
    assert following > previous
    assert following.microseconds == max(then + 1, now)


def test_the_first_one_is_now() -> None:
    assert Tid.after(None, 5, 1) == Tid.of(5, 1)


@pytest.mark.parametrize(
    "text", ["", "3jzfcijpj2z2", "3jzfcijpj2z2aa", "3JZFCIJPJ2Z2A", "kjzfcijpj2z2a", "zzzzzzzzzzzzz", "3jzfcijpj2z21"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        Tid.parse(text)


@pytest.mark.parametrize(("microseconds", "clock_id"), [(-1, 0), (2**53, 0), (0, -1), (0, 1024)])
def test_what_does_not_fit_is_refused(microseconds: int, clock_id: int) -> None:
    with pytest.raises(InvalidRecord):
        Tid.of(microseconds, clock_id)
