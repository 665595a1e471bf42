"""Earlier studies under the same patient ID, with a result that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from database.results.stored import ReportReference, is_report_for_viewers
from database.tables.study.analysis import Instance, Result, ResultObject, Study
from radiology.outcome import Outcome

_MOST = 50  # of one patient; more cannot be told apart in any picture of a course


@dataclass(frozen=True, slots=True)
class PriorCandidate:
    """A study that may be the same patient's; the patient ID alone does not prove it.

    Attributes
    ----------
    instance_path : of one received instance, within the spool folder; its header knows more
    comparison_file : within the results folder
    reading : of the result in force, as it was stored
    report : its SR for viewers; None where it has none
    """

    study_instance_uid: str
    instance_path: str
    comparison_file: str
    reading: Mapping[str, Any]
    report: ReportReference | None


def prior_candidates(
    session: Session, study_id: int, *, bundle: str | None = None
) -> list[PriorCandidate]:
    """Other studies with the patient ID of a study, whose lungs were read.

    A withdrawn result is not compared with.

    Parameters
    ----------
    bundle : whose results count: what two bundles have measured is not compared; None for all

    Returns
    -------
    The last received first. None for a study without a patient ID.
    """
    this = aliased(Study)
    any_instance = aliased(Instance)
    first_instance = (
        select(func.min(any_instance.id))
        .where(any_instance.study_id == Study.id)
        .correlate(Study)
        .scalar_subquery()
    )
    any_object = aliased(ResultObject)
    report = (
        select(func.min(any_object.id))
        .where(any_object.result_id == Result.id, is_report_for_viewers(any_object))
        .correlate(Result)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Study.study_instance_uid,
            Instance.path,
            Result.comparison_file,
            Result.reading,
            ResultObject.series_instance_uid,
            ResultObject.sop_instance_uid,
        )
        .join(this, this.patient_id == Study.patient_id)
        .join(Result, Result.study_id == Study.id)
        .join(Instance, Instance.id == first_instance)
        .outerjoin(ResultObject, ResultObject.id == report)
        .where(
            this.id == study_id,
            this.patient_id != "",
            Study.id != study_id,
            Result.superseded_by_id.is_(None),
            Result.withdrawn_at.is_(None),
            Result.comparison_file.is_not(None),
            Result.outcome.in_((Outcome.FINDINGS, Outcome.NO_FINDINGS)),
            *(() if bundle is None else (Result.bundle == bundle,)),
        )
        .order_by(Study.received_at.desc(), Study.id.desc())
        .limit(_MOST)
    )
    return [
        PriorCandidate(
            uid, path, comparison_file, facts, ReportReference(uid, series, sop) if sop else None
        )
        for uid, path, comparison_file, facts, series, sop in rows
    ]
