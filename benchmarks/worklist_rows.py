"""Makes rows of a large hospital: many studies, jobs, results and deliveries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from chest.answer.make import answer_of
from chest.values.case_answer import PneumoniaType
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from database.session import Engine
from database.states import DeliveryState, JobState, StudyState, WorklistRank
from database.tables.readers.feedback import Feedback, FeedbackFault
from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Delivery, Event, Instance, Job, Result, Study
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.stored_reading import to_facts
from radiology.clinical import ClinicalContext
from radiology.clinical.age_band import age_band
from radiology.clinical.person_name import folded_name
from radiology.feedback import Fault, Judgement
from radiology.identity import derived_uid
from radiology.outcome import Outcome, QualityGate
from radiology.urgency import Triage, Urgency
from settings.peers import RequestPriority

RARE_SCANNER = "CT-OLD"
_CHUNK = 2000
_SCANNERS = ("CT-ED", "CT-1", "CT-2", "CT-3")
_BUNDLE = "chest-ct-pneumonia"
_FAMILY = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf")
_GIVEN = ("Uno", "Dos", "Tres", "Cuatro", "Cinco")
_RANKS = (
    (WorklistRank.URGENT, Urgency.URGENT, 3),
    (WorklistRank.SUSPECTED, Urgency.SUSPECTED, 17),
    (WorklistRank.UNANSWERED, None, 4),
    (WorklistRank.PENDING, None, 1),
    (WorklistRank.ROUTINE, Urgency.ROUTINE, 75),
)
_STATES = {WorklistRank.UNANSWERED: StudyState.REFUSED, WorklistRank.PENDING: StudyState.QUEUED}


def fill_hospital(engine: Engine, studies: int, *, days: int, now: datetime) -> None:
    """Write studies that came over so many days up to now, four in five of them opened.

    Readers judged every fifth one that has an answer, and disagreed on one in ten of those.
    """
    chance = random.Random(20261121)
    with engine.begin() as connection:
        for first in range(0, studies, _CHUNK):
            last = min(first + _CHUNK, studies)
            rows = [_study(n, studies, days, now, chance) for n in range(first, last)]
            connection.execute(insert(Study), rows)
            for table, made in (
                (StudyHeading, [_heading(row) for row in rows]),
                (Job, [_job(row) for row in rows]),
                (Instance, [_instance(row) for row in rows]),
                (Event, [one for row in rows for one in _events(row)]),
            ):
                connection.execute(insert(table), made)
            answered = [one for row in rows if (one := _result(row)) is not None]
            connection.execute(insert(Result), answered)
            connection.execute(insert(Delivery), [_delivery(one) for one in answered])
            judged = [row for row in rows if row["judgement"]]
            if judged:
                given = connection.execute(
                    insert(Feedback).returning(Feedback.id, Feedback.judgement),
                    [_feedback(row) for row in judged],
                )
                faults = [_fault(one) for one, said in given if said is Judgement.DISAGREE]
                if faults:
                    connection.execute(insert(FeedbackFault), faults)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))  # as autovacuum does; with SQLite nobody does


def _study(n: int, studies: int, days: int, now: datetime, chance: random.Random) -> dict[str, Any]:
    rank, _, _ = chance.choices(_RANKS, weights=[weight for *_, weight in _RANKS])[0]
    came = now - timedelta(days=days) * (1 - n / studies)
    age = f"{min(99, int(chance.triangular(0, 99, 68))):03}Y"
    suspected = rank in (WorklistRank.URGENT, WorklistRank.SUSPECTED)
    scanner = RARE_SCANNER if n % 5000 == 17 else chance.choice(_SCANNERS)
    return {
        "id": n + 1,
        "study_instance_uid": derived_uid("bench study", str(n)),
        "patient_id": f"{(n * 7919) % 10_000_000:08}",
        "accession_number": f"A{n:09}",
        "patient_sex": chance.choice("MF"),
        "patient_age": age,
        "age_band": age_band(age),
        "calling_ae_title": scanner,
        "priority": RequestPriority.ROUTINE,
        "state": _STATES.get(rank, StudyState.DELIVERED),
        "version": 1,
        "worklist_rank": rank,
        "asked_for": False,
        "opened": chance.random() < 0.8,
        "acknowledged": suspected and n % 3 > 0,
        "label": chance.choice(list(PneumoniaType)).value if suspected else "",
        "bundle": _BUNDLE,
        "suspicion": None if rank in _STATES else chance.random(),
        "judgement": _judgement(n, rank),
        "received_at": came,
        "last_instance_at": came + timedelta(seconds=40),
    }


def _heading(study: dict[str, Any]) -> dict[str, Any]:
    """With a name, as where the setting shows names: the worst case."""
    n = study["id"]
    name = f"{_FAMILY[n % 7]}-{n % 613}^{_GIVEN[n % 5]} {n % 89}"
    return {
        "study_id": n,
        "named": True,
        "patient_name": name,
        "searched_name": folded_name(name),
        "scanned_at": (study["received_at"] - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%S"),
        "study_description": f"CT Thorax {('plain', 'with contrast', 'low dose')[n % 3]}",
        "series_description": "Lung 1.0 B70f",
        "body_part": "CHEST",
    }


def _judgement(n: int, rank: WorklistRank) -> str:
    if n % 5 or rank in _STATES:
        return ""
    return (Judgement.DISAGREE if n % 50 == 0 else Judgement.AGREE).value


def _job(study: dict[str, Any]) -> dict[str, Any]:
    waiting = study["state"] is StudyState.QUEUED
    came = study["last_instance_at"]
    return {
        "id": study["id"],
        "study_id": study["id"],
        "study_version": 1,
        "bundle": _BUNDLE,
        "state": JobState(study["state"].value),
        "rank": None if waiting else study["worklist_rank"],
        "priority": RequestPriority.ROUTINE,
        "queued_at": came,
        "due_at": came + timedelta(hours=1),
        "finished_at": None if waiting else came + timedelta(seconds=14),
        "progress_percent": 0 if waiting else 100,
        "error_kind": "NoSuitableSeries" if study["state"] is StudyState.REFUSED else "",
    }


def _instance(study: dict[str, Any]) -> dict[str, Any]:
    uid = derived_uid("bench instance", str(study["id"]))
    return {
        "study_id": study["id"],
        "series_instance_uid": derived_uid("bench series", str(study["id"])),
        "sop_instance_uid": uid,
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "path": f"{uid}.dcm",
        "sha256": "0" * 64,
        "size_bytes": 526_000,
        "received_at": study["received_at"],
        "study_version": 1,
    }


def _events(study: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("received", "delivered"):
        yield {
            "at": study["last_instance_at"],
            "study_id": study["id"],
            "job_id": study["id"],
            "name": name,
            "facts": {},
        }


def _result(study: dict[str, Any]) -> dict[str, Any] | None:
    rank = study["worklist_rank"]
    if rank is WorklistRank.PENDING:
        return None
    urgency = next(urgency for one, urgency, _ in _RANKS if one is rank)
    reading = _reading(urgency, share=study["id"] % 23)
    triage = None if urgency is None else Triage(urgency, "a rule")
    return {
        "id": study["id"],
        "job_id": study["id"],
        "study_id": study["id"],
        "study_version": 1,
        "bundle": _BUNDLE,
        "outcome": reading.outcome,
        "urgency": urgency,
        "suspicion": reading.suspicion,
        "label": study["label"],
        "reading": to_facts(answer_of(reading, None, triage, ClinicalContext())),
        "created_at": study["last_instance_at"] + timedelta(seconds=13),
    }


def _feedback(study: dict[str, Any]) -> dict[str, Any]:
    return {
        "result_id": study["id"],
        "reader": "dr-a",
        "judgement": Judgement(study["judgement"]),
        "comment": "",
        "given_at": study["last_instance_at"] + timedelta(hours=1),
    }


def _fault(feedback_id: int) -> dict[str, Any]:
    return {"feedback_id": feedback_id, "fault": Fault.MISSED}


def _delivery(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "result_id": result["id"],
        "destination": "pacs",
        "state": DeliveryState.DELIVERED,
        "due_at": result["created_at"],
        "attempts": 1,
        "finished_at": result["created_at"],
    }


def _reading(urgency: Urgency | None, share: int) -> ChestReading:
    lesions_ml = 0.0 if urgency in (None, Urgency.ROUTINE) else 20.0 * share
    lung = LungFigures(Side.RIGHT, 2350.0, lesions_ml, 0.8 * lesions_ml, 0.2 * lesions_ml, None, 40)
    figures = dict.fromkeys(Side, lung) if urgency else {}
    outcome = Outcome.FINDINGS if lesions_ml else Outcome.NO_FINDINGS
    return ChestReading(
        outcome=outcome if urgency else Outcome.NOT_ASSESSABLE,
        algorithm=AlgorithmIdentity("chest-ct-pneumonia", "2.0.0", "9f2c" * 16),
        suspicion=0.5 if urgency else None,
        suspicion_threshold=0.5,
        figures=figures,
        gates=tuple(
            QualityGate(name, True, "148 slices", "at least 40 slices", "")
            for name in ("lungs_found", "slices", "slice_distance", "noise", "motion")
        ),
        key_slice=62,
        regions=None,
    )
