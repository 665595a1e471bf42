"""The order of the list: by urgency, and nobody starves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from database.states import WorklistRank
from database.views.worklist.list_order import LANES, Lane, due_at, is_raised
from settings.page.worklist_order import WorklistOrder
from tests.unit.worklist.seeding import START

_MONTH_S = 30 * 86400
_lanes = st.sampled_from(LANES)
_unopened = st.sampled_from([lane for lane in LANES if not lane.opened and not lane.acknowledged])
_moments = st.integers(0, _MONTH_S).map(lambda seconds: START + timedelta(seconds=seconds))
_orders = st.tuples(st.integers(0, _MONTH_S), st.integers(0, _MONTH_S)).map(
    lambda waits: WorklistOrder(longest_wait_s=min(waits), longest_wait_behind_urgent_s=max(waits))
)


@given(waiting=_unopened, came=_moments, other=_lanes, other_came=_moments, order=_orders)
def test_nobody_waits_behind_newer_studies_for_longer_than_the_limit(
    waiting: Lane, came: datetime, other: Lane, other_came: datetime, order: WorklistOrder
) -> None:
    """A study that nobody has opened stands before all that came more than the limit later.

    One whose flag is acknowledged has been seen, and waits no longer.
    """
    limit = order.longest_wait_s
    if other.rank is WorklistRank.URGENT:
        limit = order.longest_wait_behind_urgent_s * (1 if other.acknowledged else 2)
    if other_came > came + timedelta(seconds=limit):
        assert due_at(waiting, came, order) < due_at(other, other_came, order)


@given(came=_moments, order=_orders, lane=_unopened, later=st.integers(0, _MONTH_S))
def test_urgency_decides_among_studies_of_one_time(
    came: datetime, order: WorklistOrder, lane: Lane, later: int
) -> None:
    """Of studies that came together the more urgent one is first; an earlier one of its rank is."""
    places = [due_at(one, came, order) for one in LANES if not one.opened]
    assert places == sorted(places)
    assert due_at(lane, came, order) <= due_at(lane, came + timedelta(seconds=later), order)


@given(came=_moments, after=st.integers(0, 6 * 86400))
def test_urgent_is_first_for_as_long_as_studies_are_listed(came: datetime, after: int) -> None:
    """By default nothing that came within the listed week stands before a new urgent study."""
    order = WorklistOrder()
    new = Lane(WorklistRank.URGENT, opened=False, acknowledged=False)
    urgent = due_at(new, came + timedelta(seconds=after), order)
    others = (lane for lane in LANES if lane.rank is WorklistRank.ROUTINE)
    assert all(urgent <= due_at(lane, came, order) for lane in others)


@given(came=_moments, earlier=st.integers(0, 7 * 86400 - 1), opened=st.booleans())
def test_what_nobody_has_acknowledged_is_before_all_that_somebody_has(
    came: datetime, earlier: int, opened: bool
) -> None:
    """By default within the listed week, whoever has glanced at which; never before other ranks."""
    order, seen_came = WorklistOrder(), came - timedelta(seconds=earlier)
    seen = _lane(WorklistRank.URGENT, opened=opened, acknowledged=True)
    assert due_at(_lane(WorklistRank.URGENT), came, order) < due_at(seen, seen_came, order)
    suspected_came = seen_came - timedelta(days=6, seconds=-1)
    assert due_at(seen, seen_came, order) < due_at(
        _lane(WorklistRank.SUSPECTED), suspected_came, order
    )


@given(came=_moments)
def test_of_one_time_what_is_suspected_and_acknowledged_is_between(came: datetime) -> None:
    """Behind what nobody has seen of its urgency, before what is less urgent."""
    order = WorklistOrder()
    lanes = (
        _lane(WorklistRank.SUSPECTED),
        _lane(WorklistRank.SUSPECTED, acknowledged=True),
        _lane(WorklistRank.UNANSWERED),
    )
    places = [due_at(lane, came, order) for lane in lanes]
    assert places == sorted(set(places))


def _lane(rank: WorklistRank, *, opened: bool = False, acknowledged: bool = False) -> Lane:
    return Lane(rank, opened, acknowledged)


@given(came=_moments)
def test_raised_is_what_a_new_suspected_study_would_come_after(came: datetime) -> None:
    """The row says "raised" from the moment on at which age has lifted a study over others."""
    order, routine = WorklistOrder(), _lane(WorklistRank.ROUTINE)
    limit = timedelta(seconds=order.longest_wait_s)
    assert not is_raised(routine, came, order, came + limit - timedelta(seconds=1))
    assert is_raised(routine, came, order, came + limit)
    opened = _lane(WorklistRank.ROUTINE, opened=True)
    assert not is_raised(opened, came, order, came + 2 * limit)
    suspected = _lane(WorklistRank.SUSPECTED)
    assert due_at(routine, came, order) <= due_at(suspected, came + limit, order)


@given(came=_moments, other_came=_moments, lane=_unopened, other=_lanes)
def test_without_limits_the_list_is_in_the_order_of_arrival(
    came: datetime, other_came: datetime, lane: Lane, other: Lane
) -> None:
    """With both limits at 0 the page is a first-in-first-out list."""
    order = WorklistOrder(longest_wait_s=0, longest_wait_behind_urgent_s=0)
    assert (due_at(lane, came, order) < due_at(other, other_came, order)) == (came < other_came)
    assert not is_raised(lane, came, order, came + timedelta(days=3))


def test_what_is_urgent_is_not_behind_the_others() -> None:
    """Limits that would put urgent studies last are refused at the start."""
    with pytest.raises(ValidationError, match="shorter than longest_wait_s"):
        WorklistOrder(longest_wait_s=100, longest_wait_behind_urgent_s=99)
