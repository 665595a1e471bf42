"""The replayed queue: the same work, never idle while something waits, and nobody starves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.waiting.queue_replay import Order, QueuedItem, most_at_once, replay, what_if

# Whole seconds: sums of them are exact, so equal means equal.
_ITEM = st.builds(
    QueuedItem,
    queued_s=st.integers(0, 400).map(float),
    service_s=st.integers(1, 60).map(float),
    allowance_s=st.sampled_from([0.0, 30.0, 100.0]),
    group=st.sampled_from(["urgent", "routine"]),
)
_ITEMS = st.lists(_ITEM, min_size=1, max_size=40)
_WORKERS = st.integers(1, 4)
_ORDERS = st.sampled_from(list(Order))


@given(_ITEMS, _WORKERS, _ORDERS)
def test_the_same_work_is_done(items: list[QueuedItem], workers: int, order: Order) -> None:
    """Each item is served once, whole, and not before it came."""
    done = replay(items, workers=workers, order=order)
    assert (done.ended_s - done.started_s).tolist() == [one.service_s for one in items]
    assert (done.started_s >= [one.queued_s for one in items]).all()
    if workers == 1:
        both = [replay(items, workers=1, order=one).ended_s.max() for one in Order]
        assert both[0] == both[1]


@given(_ITEMS, _WORKERS, _ORDERS)
def test_no_worker_is_idle_while_something_waits(
    items: list[QueuedItem], workers: int, order: Order
) -> None:
    """From its coming to its beginning every worker is busy; never more than there are."""
    done = replay(items, workers=workers, order=order)
    moments = np.concatenate([done.started_s, done.ended_s, [one.queued_s for one in items]])
    for at in np.unique(moments):
        busy = int(np.count_nonzero((done.started_s <= at) & (done.ended_s > at)))
        waiting = any(
            one.queued_s <= at < begun for one, begun in zip(items, done.started_s, strict=True)
        )
        assert busy <= workers
        assert not waiting or busy == workers


@given(_ITEMS, _WORKERS)
def test_nobody_waits_for_what_came_after_its_limit(items: list[QueuedItem], workers: int) -> None:
    """What goes ahead of a waiting item came before that item had waited as long as it may."""
    done = replay(items, workers=workers, order=Order.PRIORITISED)
    for one, begun in zip(items, done.started_s, strict=True):
        ahead = [
            other.queued_s
            for other, other_begun in zip(items, done.started_s, strict=True)
            if one.queued_s <= other_begun < begun
        ]
        assert all(came <= one.queued_s + one.allowance_s for came in ahead)


@given(st.lists(_ITEM.map(lambda one: QueuedItem(one.queued_s, one.service_s, 30.0, "routine"))),
       _WORKERS)  # fmt: skip
def test_with_one_class_both_orders_are_the_same(items: list[QueuedItem], workers: int) -> None:
    """Prioritising changes nothing where there is nothing to prioritise."""
    first, second = (replay(items, workers=workers, order=order) for order in Order)
    assert first.started_s.tolist() == second.started_s.tolist()


def test_an_urgent_study_behind_twenty_routine_ones() -> None:
    """Prioritised it waits for the one that is under way; otherwise for all of them."""
    routine = [QueuedItem(0.0, 10.0, 3600.0, "routine") for _ in range(20)]
    found = what_if([*routine, QueuedItem(1.0, 10.0, 0.0, "urgent")], workers=1).by_order
    fifo, prioritised = found[Order.FIRST_IN_FIRST_OUT], found[Order.PRIORITISED]
    assert fifo["urgent"].to_result.median_s == 209.0
    assert prioritised["urgent"].to_result.median_s == 19.0
    assert (fifo["routine"].wait.most_s, prioritised["routine"].wait.most_s) == (190.0, 200.0)


@pytest.mark.parametrize(
    ("spans", "most"),
    [([], 1), ([(0, 5), (5, 9)], 1), ([(0, 5), (4, 9), (4, 5)], 3)],
)
def test_workers_are_counted_from_what_ran_together(
    spans: list[tuple[float, float]], most: int
) -> None:
    """One job that begins when another ends needs no second worker."""
    assert most_at_once([begun for begun, _ in spans], [ended for _, ended in spans]) == most
