"""What goes and what is held back follows from rows and the clock alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from database.retention.disk import Marks, Room, days_left, marks_of, to_free
from database.retention.held import HeldBack, KeptStudy, held_back
from database.states import UNREAD, StudyState
from settings.retention import Retention
from worker.retention.choose import (
    Because,
    GoingKind,
    HeldCount,
    MayGo,
    choose_going,
    horizon,
    result_held_back,
)

_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_GB = 1_000_000_000
_RETENTION = Retention(originals_days=30)


def _study(age_days: float = 40, number: int = 1, size_bytes: int = 100) -> KeptStudy:
    return KeptStudy(
        study_id=number,
        study_instance_uid=f"2.25.{number}",
        last_instance_at=_NOW - timedelta(days=age_days),
        state=StudyState.DELIVERED,
        several_patients=False,
        size_bytes=size_bytes,
        jobs_open=0,
        undelivered=0,
        uncommitted=0,
        flag_open=False,
        earlier_awaited=False,
        newer_at=None,
        visiting=False,
    )


def _chosen(
    *studies: KeptStudy, free_bytes: int = 0, retention: Retention = _RETENTION
) -> tuple[list[tuple[int, Because]], HeldCount]:
    held = HeldCount()
    found = [
        MayGo(GoingKind.ORIGINALS, one.last_instance_at, one.size_bytes, one) for one in studies
    ]
    going = choose_going(found, _NOW, retention, free_bytes=free_bytes, held=held)
    return [(one.candidate.study.study_id, one.because) for one in going], held


def test_what_is_old_and_answered_goes() -> None:
    """The age counts from the last image; a study a day younger stays."""
    assert _chosen(_study(31, 1), _study(29, 2)) == ([(1, Because.AGE)], HeldCount())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(({"state": state}, HeldBack.NOT_READ) for state in UNREAD),
        ({"state": StudyState.FAILED}, HeldBack.FAILED),
        ({"several_patients": True}, HeldBack.SEVERAL_PATIENTS),
        ({"jobs_open": 1}, HeldBack.JOB_RUNS),
        ({"undelivered": 1}, HeldBack.NOT_DELIVERED),
        ({"uncommitted": 1}, HeldBack.NOT_COMMITTED),
        ({"flag_open": True}, HeldBack.NOT_ACKNOWLEDGED),
        ({"earlier_awaited": True}, HeldBack.EARLIER_STUDY_AWAITED),
        ({"newer_at": _NOW - timedelta(days=3)}, HeldBack.UNDER_TREATMENT),
        ({"visiting": True}, HeldBack.UNDER_TREATMENT),
    ],
)
def test_each_reason_holds_back_by_age_and_by_mark(
    change: dict[str, object], reason: HeldBack
) -> None:
    """However old it is, and however full the disk; the next one goes in its place."""
    held_study = replace(_study(400, 1), **change)
    for free_bytes in (0, 10 * _GB):
        going, held = _chosen(held_study, _study(300, 2), free_bytes=free_bytes)
        assert going == [(2, Because.AGE)]
        assert held.studies == {reason: 1}


def test_a_patient_whose_newer_study_is_old_is_not_under_treatment_any_more() -> None:
    """The prior goes when the later study is older than the setting says."""
    prior = replace(_study(400), newer_at=_NOW - timedelta(days=31))
    assert held_back(prior, _NOW, treatment=timedelta(days=30)) is None


def test_past_a_mark_the_oldest_go_until_there_is_room_and_no_more() -> None:
    """Younger than their age, oldest first; what is held back frees nothing."""
    studies = (
        _study(9, 1),
        replace(_study(8, 2), flag_open=True),
        _study(7, 3),
        _study(6, 4),
        _study(5, 5),
    )
    going, _ = _chosen(*studies, free_bytes=250)
    assert going == [(1, Because.DISK_MARK), (3, Because.DISK_MARK), (4, Because.DISK_MARK)]


def test_the_oldest_goes_whatever_it_is() -> None:
    """Slices of an old study go before images of a newer one; each kind has its own age."""
    found = [
        MayGo(kind, _NOW - timedelta(days=age), 100, _study(age, number), result)
        for number, (kind, age, result) in enumerate(
            (
                (GoingKind.SLICES, 91, 1),
                (GoingKind.SLICES, 80, 2),
                (GoingKind.ORIGINALS, 31, None),
                (GoingKind.ORIGINALS, 9, None),
                (GoingKind.SLICES, 8, 5),
            )
        )
    ]
    for free_bytes, expected in ((0, [0, 2]), (150, [0, 1]), (350, [0, 1, 2, 3])):
        going = choose_going(found, _NOW, _RETENTION, free_bytes=free_bytes, held=HeldCount())
        numbers = [one.candidate.study.study_id for one in going]
        assert numbers == sorted({*expected, 2} if free_bytes else expected)


def test_kept_for_ever_and_never_younger_than_an_hour() -> None:
    """0 days keeps a kind also past a mark; nothing that has just come goes by a mark."""
    assert horizon(_NOW, _RETENTION, days=0, freeing=True) is None
    assert horizon(_NOW, _RETENTION, days=30, freeing=False) == _NOW - timedelta(days=30)
    assert horizon(_NOW, _RETENTION, days=30, freeing=True) == _NOW - timedelta(hours=1)


def test_the_only_copy_of_a_result_stays() -> None:
    """Objects that no destination has stored are not removed; slices of it may go."""
    assert result_held_back(_study(), _NOW, _RETENTION, only_copy=True) is HeldBack.ONLY_COPY
    assert result_held_back(_study(), _NOW, _RETENTION, only_copy=False) is None


@pytest.mark.parametrize(
    ("total_gb", "min_free_gb", "high_gb", "low_gb"),
    [
        (1000, 2, 150, 250),  # the percents of the settings
        (10, 2, 3, 4),  # a small disk: before the node refuses
        (3, 2, 3, 3),  # no more than there is
    ],
)
def test_removing_begins_before_the_node_refuses(
    total_gb: int, min_free_gb: int, high_gb: int, low_gb: int
) -> None:
    """Free bytes of both marks; studies are refused below `min_free_bytes`."""
    marks = marks_of(total_gb * _GB, Retention(), min_free_bytes=min_free_gb * _GB)
    assert marks.high_free_bytes == pytest.approx(high_gb * _GB, rel=1e-6)
    assert marks.low_free_bytes == pytest.approx(low_gb * _GB, rel=1e-6)


def test_what_was_begun_goes_on_to_the_low_mark() -> None:
    """Between the marks nothing begins, and what was begun does not stop."""
    marks = Marks(high_free_bytes=15, low_free_bytes=25)
    assert to_free(Room(20, 100), marks, emptying=False) == 0
    assert to_free(Room(14, 100), marks, emptying=False) == 11
    assert to_free(Room(20, 100), marks, emptying=True) == 5
    assert to_free(Room(25, 100), marks, emptying=True) == 0


def test_days_left_by_the_slope() -> None:
    """A disk that loses 24 GB a day, 50 GB free, 2 GB kept: two days."""
    course = [(_NOW + timedelta(hours=hour), (98 - hour) * _GB) for hour in range(49)]
    assert days_left(course, min_free_bytes=2 * _GB) == pytest.approx(2.0)
    assert days_left([(at, 50 * _GB) for at, _ in course], min_free_bytes=0) is None
    assert days_left(course[:6], min_free_bytes=0) is None
