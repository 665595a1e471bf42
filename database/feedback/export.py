"""The images and outlines behind a judged result, for an export."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.states import ObjectKind
from database.tables.study.analysis import Instance, Result, ResultObject, SeriesDecision, Study


@dataclass(frozen=True, slots=True)
class JudgedStudy:
    """What a set to train on is made of.

    Attributes
    ----------
    patient_id : as received; empty where none was. Never shown or written
    instance_paths : of the analysed series, within the spool
    segmentation_path : of the outlines, within the results folder; None where there are none
    label : the finer class of what was found; empty where there is none
    """

    patient_id: str
    instance_paths: tuple[str, ...]
    segmentation_path: str | None
    label: str


def judged_study(session: Session, result_id: int) -> JudgedStudy:
    """The files of a result, whether they are still on disk or not."""
    result = session.get_one(Result, result_id)
    chosen = select(SeriesDecision.series_instance_uid).where(
        SeriesDecision.job_id == result.job_id, SeriesDecision.chosen.is_(True)
    )
    paths = session.scalars(
        select(Instance.path)
        .where(
            Instance.study_id == result.study_id,
            Instance.series_instance_uid.in_(chosen),
            Instance.study_version <= result.study_version,
        )
        .order_by(Instance.sop_instance_uid)
    )
    segmentation = session.scalars(
        select(ResultObject.path)
        .where(ResultObject.result_id == result_id, ResultObject.kind == ObjectKind.SEGMENTATION)
        .order_by(ResultObject.id)
        .limit(1)
    ).one_or_none()
    return JudgedStudy(
        patient_id=session.get_one(Study, result.study_id).patient_id,
        instance_paths=tuple(paths),
        segmentation_path=segmentation,
        label=result.label,
    )
