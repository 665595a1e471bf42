"""All that can happen to studies, each beside the ordinary day: what a page must have words for."""

from __future__ import annotations

import itertools
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from chest.triage.urgency import RULES
from database.flag_states import NoticeState
from database.flags.notices import claim_notice, end_notice
from database.jobs.claimed import end_job
from database.process_signs import note_loaded, record_sign
from database.results.withdrawals import mark_withdrawn
from database.session import transaction
from database.states import DeliveryState, JobState, RejectionReason
from database.tables.study.analysis import Result, SeriesDecision
from database.views.administration_rows import count_disk_use
from radiology.outcome import Outcome, QualityGate
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.builders.stored.flags import NOBODY
from tests.unit.worker.encode.possible_opacity import with_possible
from tests.unit.worklist.seeded_values import ALGORITHM
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from tests.unit.worklist.study.head_reading import stored_head
from tests.unit.worklist.study.seeded_slices import phantom, study_with_slices
from tests.unit.worklist.study.test_result_life import settle
from tests.unit.worklist.words.rich_readings import (
    GATES,
    REFUSED,
    STORED,
    full_study,
    stored_study,
    study_without_fissures,
)

HEAD_RULE = "blood of 30 ml or more"


def seed_rich_day(hospital: SeededHospital) -> dict[str, str]:
    """Seed the studies; gives the UID of each by what is special about it."""
    made = {name: seed(hospital) for name, seed in _STUDIES.items()}
    with transaction(hospital.engine) as session:
        _decided(session)
        _as_bundle_says(session)
        for part in ("analysis", "flags", "delivery", "retrieval", "housekeeping", "hl7", "node"):
            record_sign(session, f"ct:{part}", part, started_at=START, now=hospital.now)
        record_sign(session, "ct:2", "analysis", started_at=START, now=START)
        note_loaded(session, "ct:analysis", [(ALGORITHM.name, "2.0.0", 512_000_000)], hospital.now)
        count_disk_use(session, hospital.now)
    hospital.quarantine("StudyInstanceUID is missing", kind="AttributeMissing")
    return made


def _decided(session: Session) -> None:
    """Decisions about series as the rules write them, in the place of made-up ones."""
    for decision in session.scalars(select(SeriesDecision)):
        rule = "chosen" if decision.chosen else next(_RULES_OF_SERIES)
        seen, limit, reason = _DECISIONS[rule]
        decision.rule, decision.seen, decision.limit, decision.reason = rule, seen, limit, reason


_DECISIONS = {
    "chosen": ("", "", "This series is analysed"),
    "too_few_slices": ("12 slices", "40 slices or more", "There are too few slices"),
    "concatenation": (
        "2 of 3 parts of a concatenation",
        "every part",
        "Parts of the series are missing",
    ),
    "hounsfield": (
        "no rescale",
        "slope and intercept",
        "The values cannot be turned into Hounsfield units",
    ),
    "slice_distance": (
        "5 mm",
        "1 mm in the chosen series",
        "The slices are thicker than those of another series",
    ),
}
_RULES_OF_SERIES = itertools.cycle(rule for rule in _DECISIONS if rule != "chosen")


def _as_bundle_says(session: Session) -> None:
    """The rule of each result as the table of urgency has it, where seeding makes one up."""
    for result in session.scalars(select(Result).where(Result.urgency.is_not(None))):
        if result.urgency_rule not in {HEAD_RULE, *(one.name for one in RULES)}:
            result.urgency_rule = next(one.name for one in RULES if one.urgency is result.urgency)


def _withdrawn(hospital: SeededHospital) -> str:
    uid, result_id = stored_study(hospital, full_reading())
    settle(hospital, STORED, STORED, STORED, state=DeliveryState.SENT)
    with transaction(hospital.engine) as session:
        mark_withdrawn(session, result_id, RejectionReason.QUALITY, NOBODY, hospital.now)
    return uid


def _flagged(hospital: SeededHospital) -> str:
    """One channel has refused, the next attempt is due."""
    uid, _ = stored_study(hospital, full_reading())
    with transaction(hospital.engine) as session:
        claim = claim_notice(session, "pager", lease_s=5, now=hospital.now)
        assert claim is not None
        words = "The receiver has no such address: correct url"
        ended = NoticeState.REFUSED
        end_notice(
            session, claim, ended, hospital.now, error_kind="PeerRefused", error_message=words
        )
    hospital.postpone(60)
    return uid


def _sliced(hospital: SeededHospital) -> str:
    shown = phantom()
    return study_with_slices(
        hospital,
        shown=with_possible(shown),
        reading=replace(full_reading(), gates=GATES),
        accession_number="A1",
    ).uid


def _not_wanted(hospital: SeededHospital) -> str:
    """The bundle does not apply, and says so."""
    uid, claim = hospital.claimed()
    words = ""
    with transaction(hospital.engine) as session:
        end_job(
            session,
            claim,
            JobState.NOT_APPLICABLE,
            hospital.now,
            rank=None,
            error_kind="BundleDoesNotApply",
            error_message=words,
        )
    return uid


def _returned(hospital: SeededHospital) -> str:
    """Something was unavailable; the job comes back."""
    uid, claim = hospital.claimed()
    hospital.give_back(claim, "DatabaseUnavailable", "The database does not answer", seconds=30)
    return uid


def _not_assessable(hospital: SeededHospital) -> str:
    """A gate did not let the reading pass."""
    uid, claim = hospital.claimed(accession_number="A2611210902", patient_id="7002", images=12)
    reason = "Too few slices show lung."
    gate = QualityGate("slices with lung", False, "12", "at least 40", reason)
    reading = replace(
        full_reading(), outcome=Outcome.NOT_ASSESSABLE, suspicion=None, figures={}, gates=(gate,)
    )
    hospital.answer(claim, None, reason=reason, reading=reading, picture=False)
    return uid


def _refused(hospital: SeededHospital) -> str:
    uid, claim = hospital.claimed(accession_number="A2611210903", patient_id="7003")
    hospital.refuse(claim, "NoSuitableSeries", "No series of the study can be analysed.")
    return uid


def _failed(hospital: SeededHospital) -> str:
    uid, claim = hospital.claimed(accession_number="A2611210904", patient_id="7004")
    hospital.fail(claim, "WorkerLost", "The worker stopped 3 times while it had this job")
    return uid


def _running(hospital: SeededHospital) -> str:
    uid, claim = hospital.claimed(accession_number="A2611210905", patient_id="7005", age="008M")
    hospital.progress(claim, 62, JobState.DECODED)
    return uid


def _queued(hospital: SeededHospital) -> str:
    uid = hospital.receive(priority=RequestPriority.HIGH)
    hospital.queue(uid)
    return uid


def _superseded(hospital: SeededHospital) -> str:
    """Images came late, and the newer result took the place of the first."""
    uid, _ = stored_study(hospital, full_reading())
    settle(hospital, STORED, STORED, REFUSED, state=DeliveryState.DELIVERED)
    hospital.receive(into=uid)
    hospital.queue(uid)
    newer = replace(full_reading(), gates=GATES)
    hospital.answer(hospital.claim(), Urgency.SUSPECTED, reading=newer)
    return uid


def _head(hospital: SeededHospital) -> str:
    """Read by a bundle that has no Chinese words for its titles."""
    uid, claim = hospital.claimed(accession_number="A2611210906", patient_id="7006")
    result_id = hospital.answer(claim, Urgency.URGENT, picture=False)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        result.reading, result.suspicion = stored_head(), 0.91
        result.urgency_rule = HEAD_RULE
    return uid


_STUDIES = {
    "full": full_study,
    "without fissures": study_without_fissures,
    "withdrawn": _withdrawn,
    "flagged": _flagged,
    "with slices": _sliced,
    "superseded": _superseded,
    "not applicable": _not_wanted,
    "not assessable": _not_assessable,
    "refused": _refused,
    "failed": _failed,
    "running": _running,
    "returned": _returned,
    "head": _head,
    "queued": _queued,
    "received": SeededHospital.receive,
}
