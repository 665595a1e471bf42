"""Turns of the retention: what goes goes from rows and disk, the rest stays in both."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from database.accounts.audit import Actor, record_audit
from database.audit.verify import verify_chain
from database.flag_states import FlagState
from database.retention.disk import Room
from database.retention.state import HELD, noted_state
from database.session import query, transaction
from database.states import DeliveryState, JobState, StudyState
from database.tables.operation.retention import FileRemoval
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Event, Instance, Result, Study
from database.tables.study.quarantine import QuarantinedObject
from radiology.urgency import Urgency
from settings.retention import Retention
from tests.builders.stored.kept_studies import (
    START,
    KeptRows,
    KeptSite,
    ToKeep,
    days,
    kept_bytes,
    write,
)
from worker.retention.retain import retain
from worker.retention.survey import survey
from worker.retention.turn import TurnOutcome, retention_turn

_ROOMY = Room(free_bytes=10**12, total_bytes=10**12)


def _turns(site: KeptSite, now: datetime, *, room: Room = _ROOMY) -> list[TurnOutcome]:
    """Turns until one comes to its end."""
    made = []
    while not made or not made[-1].ended:
        made.append(
            retention_turn(site.settings, site.engine, now, measure=lambda _: room, most_s=60)
        )
    return made


def _here(study: KeptRows) -> tuple[bool, bool, bool]:
    """Whether its images, its slices and its results are on disk."""
    return (
        all(path.exists() for path in study.originals),
        study.slices.exists(),
        all(path.exists() for path in study.results),
    )


def test_each_kind_goes_at_its_own_age(site: KeptSite) -> None:
    """Images after 30 days, slices after 90, objects and pictures after two years; rows stay."""
    study = site.study()
    seen = [
        (age, _here(study)) for age in (29, 31, 89, 91, 729, 731) if _turns(site, START + days(age))
    ]
    assert seen == [
        (29, (True, True, True)),
        (31, (False, True, True)),
        (89, (False, True, True)),
        (91, (False, False, True)),
        (729, (False, False, True)),
        (731, (False, False, False)),
    ]
    assert not any(path.exists() for path in (*study.originals, study.slices, *study.results))
    with query(site.engine) as session:
        assert session.scalars(select(Instance.removed_at)).all().count(None) == 0
        row = session.get_one(Study, study.study_id)
        assert row.originals_removed_at == START + days(31)
        result = session.get_one(Result, study.result_id)
        assert (result.key_picture, result.comparison_file) == (None, None)
        assert result.reading == {"outcome": "no_findings"}
        names = session.scalars(select(Event.name).order_by(Event.id)).all()
        assert names == ["received", "originals_removed", "result_files_removed"]
        assert session.scalars(select(FileRemoval.id)).all() == []
    assert not (site.settings.spool_folder / study.uid).exists()
    assert not (site.settings.results_folder / study.uid).exists()


def test_a_clock_that_runs_ahead_removes_nothing(site: KeptSite) -> None:
    """Not for an hour; after that it is taken for a machine that was off for so long."""
    study = site.study()

    def here_after_turn_at(age: timedelta) -> tuple[bool, bool, bool]:
        retain(site.settings, site.engine, START + age, measure=lambda _: _ROOMY)
        return _here(study)

    hour, everything = timedelta(hours=1), (True, True, True)
    assert here_after_turn_at(days(1)) == everything
    assert here_after_turn_at(days(4000)) == everything
    assert here_after_turn_at(days(4000) + 0.9 * hour) == everything
    assert here_after_turn_at(days(2)) == everything  # it was put right
    assert here_after_turn_at(days(31)) == everything
    assert here_after_turn_at(days(31) + 0.9 * hour) == everything
    assert here_after_turn_at(days(31) + hour) == (False, True, True)


def test_nothing_unanswered_goes(site: KeptSite) -> None:
    """Neither by age nor past a mark: each is held back with its reason, and the survey says so."""
    held = {
        "not read yet": site.study(state=StudyState.QUEUED, job=JobState.QUEUED),
        "reading failed": site.study(state=StudyState.FAILED, job=JobState.FAILED),
        "several patients": site.study(state=StudyState.REFUSED, several_patients="P1, P2"),
        "a job has not ended": site.study(job=JobState.DECODED),
        "a result is not delivered": site.study(delivery=DeliveryState.WAITING),
        "a result is not promised to be kept": site.study(delivery=DeliveryState.SENT),
        "urgent and not acknowledged": site.study(urgency=Urgency.URGENT, flag=FlagState.OPEN),
        "prior of a patient under treatment": site.study(patient_id="P7"),
    }
    given_up = site.study(delivery=DeliveryState.FAILED)
    seen = site.study(urgency=Urgency.URGENT, flag=FlagState.ACKNOWLEDGED)
    now = START + days(1000)
    site.study(now - days(1), patient_id="P7", state=StudyState.QUEUED, job=JobState.QUEUED)
    full = Room(free_bytes=1, total_bytes=10**12)
    before = survey(site.settings, site.engine, now, measure=lambda _: full)
    for _ in range(2):
        _turns(site, now, room=full)
    assert {reason: _here(study) for reason, study in held.items()} == dict.fromkeys(
        held, (True, True, True)
    )
    assert _here(given_up) == (True, True, True)
    assert not any(path.exists() for path in (*seen.originals, seen.slices, *seen.results))
    with query(site.engine) as session:
        noted = noted_state(session, HELD)
    assert noted is not None
    counts = dict.fromkeys(held, 1) | {"a result is not delivered": 2, "not read yet": 2}
    assert noted.facts == {"studies": counts}
    reasons = [one.reason.value for one in before.held]
    assert {reason: reasons.count(reason) for reason in counts} == counts


def test_the_only_copy_of_a_result_is_not_removed(site: KeptSite) -> None:
    """Without a destination the images go, and what was made of them stays."""
    study = site.study(delivery=None)
    _turns(site, START + days(1000))
    assert _here(study) == (False, False, True)


def test_the_survey_names_what_goes_and_touches_nothing(site: KeptSite) -> None:
    """A dry run lists the very things that a turn then removes."""
    old, young = site.study(), site.study(START + days(50))
    site.quarantine()
    now, before = START + days(100), kept_bytes(site.settings)
    found = survey(site.settings, site.engine, now, measure=lambda _: _ROOMY)
    listed = [(one.kind, one.of, one.size_bytes, one.because.value) for one in found.going]
    assert listed == [
        ("originals", old.uid, 8000, "age"),
        ("slices", old.uid, 2000, "age"),
        ("originals", young.uid, 8000, "age"),
        ("quarantine", "1", 100, "age"),
    ]
    assert kept_bytes(site.settings) == before
    _turns(site, now)
    assert kept_bytes(site.settings) == before - sum(one.size_bytes for one in found.going)


def test_a_small_disk_stays_between_its_marks(site: KeptSite) -> None:
    """A disk for a few studies: what is oldest goes, images and slices; results never."""
    disk = 60_000

    def measure(_: object) -> Room:
        return Room(disk - kept_bytes(site.settings), disk)

    studies = []
    for hour in range(24):
        studies.append(site.study(START + timedelta(hours=hour)))
        now = START + timedelta(hours=hour + 2)
        while not retention_turn(site.settings, site.engine, now, measure=measure, most_s=60).ended:
            pass
        assert kept_bytes(site.settings) <= 0.85 * disk
    assert not any(_here(study)[0] for study in studies[:16])
    assert all(_here(study)[2] for study in studies)
    assert _here(studies[-1]) == (True, True, True)


def test_what_the_low_mark_is_reached_for_is_over_then(site: KeptSite) -> None:
    """Whatever came since: the disk fills to its high mark again before anything else goes."""
    disk = 100_000  # holds eight studies below its high mark, and seven below its low one

    def turn(hour: int) -> TurnOutcome:
        room = Room(disk - kept_bytes(site.settings), disk)
        now = START + timedelta(hours=hour)
        return retention_turn(site.settings, site.engine, now, measure=lambda _: room, most_s=60)

    for hour in range(8):
        site.study(START + timedelta(hours=hour))
    assert turn(20).studies == 0
    site.study(START + timedelta(hours=8))
    assert turn(21).studies > 0
    assert kept_bytes(site.settings) < 0.75 * disk
    site.study(START + timedelta(hours=9))  # before the next turn, above the low mark
    assert 0.75 * disk < kept_bytes(site.settings) < 0.85 * disk
    assert turn(22).studies == 0


def test_a_turn_asks_for_all_studies_at_once(site: KeptSite) -> None:
    """Twenty cost as many statements as two: what grows with each is in the files alone."""
    asked = [0, 0]
    for place, studies in enumerate((2, 20)):
        with transaction(site.engine) as session:
            site.studies_in(session, [ToKeep()] * studies)

        def count(*_: object, place: int = place) -> None:
            asked[place] += 1

        event.listen(site.engine, "before_cursor_execute", count)
        (outcome,) = _turns(site, START + days(100))
        event.remove(site.engine, "before_cursor_execute", count)
        assert (outcome.studies, outcome.slices) == (studies, studies)
    assert asked[1] - asked[0] < 2 * 18  # a commit more; it was ten for each study


def test_quarantine_events_and_audit_have_ages_of_their_own(site: KeptSite) -> None:
    """90 days, three years and six years; what is younger stays, row and file."""
    study = site.study()
    old, young = site.quarantine(), site.quarantine(START + days(80))
    with transaction(site.engine) as session:
        record_audit(session, "study_opened", START, Actor("wu", "reader", ""))
    _turns(site, START + days(100))
    assert (old.exists(), young.exists()) == (False, True)
    with query(site.engine) as session:
        assert session.scalars(select(QuarantinedObject.path)).all() == [
            str(young.relative_to(site.settings.quarantine_folder))
        ]
    with query(site.engine) as session:
        (gone,) = session.scalars(select(AuditEvent).where(AuditEvent.name == "images_removed"))
        assert (gone.study_instance_uid, gone.facts["reason"]) == (study.uid, "age")
    for age, (events, audit) in {1090: (2, 1), 1100: (2, 1), 2200: (0, 0)}.items():
        _turns(site, START + days(age))
        with query(site.engine) as session:
            of_study = select(Event.name).where(
                Event.study_id == study.study_id, Event.at < START + days(age - 1095)
            )
            assert session.scalars(of_study).all() == []
            opened = select(AuditEvent.id).where(AuditEvent.name == "study_opened")
            assert len(session.scalars(opened).all()) == audit
            assert list(verify_chain(session)[1]) == []
            assert events is not None


def test_an_age_of_0_keeps_a_kind_for_ever(site: KeptSite) -> None:
    """Also past a mark: what a site has switched off stays off."""
    study = site.study()
    site.settings = site.settings.model_copy(
        update={
            "retention": Retention(originals_days=0, slices_days=0, results_days=0),
        }
    )
    _turns(site, START + days(3000), room=Room(free_bytes=1, total_bytes=10**12))
    assert _here(study) == (True, True, True)


def test_a_file_that_cannot_be_removed_keeps_its_mark(
    site: KeptSite, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go; it is tried again, and nothing else is held up by it."""
    if os.geteuid() == 0:
        in_the_way = site.study()
        blocked = in_the_way.originals[0]
        blocked.unlink()
        (blocked / "inner").mkdir(parents=True)  # no file can be removed under this name
    else:
        in_the_way = site.study()
        blocked = in_the_way.originals[0]
        blocked.parent.chmod(0o500)
    other = site.study()
    _turns(site, START + days(31))
    assert blocked.exists()
    assert not any(path.exists() for path in other.originals)
    with query(site.engine) as session:
        left = session.scalars(select(FileRemoval.path)).all()
    assert str(blocked.relative_to(site.settings.spool_folder)) in left
    if os.geteuid() == 0:
        (blocked / "inner").rmdir()
        blocked.rmdir()
        write(blocked, b"")
    else:
        blocked.parent.chmod(0o700)
    _turns(site, START + days(31))
    assert not blocked.exists()
    with query(site.engine) as session:
        assert session.scalars(select(FileRemoval.path)).all() == []
