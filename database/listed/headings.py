"""The headings of studies: which are due to be read from the files, and what was read.

Whatever may change what the files say asks for a heading in its own transaction: a study's first
image, its assembly, a correction, the end of the question whose study it is. The housekeeping
reads the files and keeps the heading, unless it was asked for again meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Instance, Job, SeriesDecision, Study
from radiology.clinical.person_name import folded_name

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_NAME_LETTERS = 200  # PS3.5 Table 6.2-1, PN: three groups of 64


@dataclass(frozen=True, slots=True)
class HeadingDue:
    """A study whose files are to be read for its heading.

    Attributes
    ----------
    due_at : when it was asked for; what is asked for later is due again
    patient_id : whom its row names; only a file that names the same may say the name
    paths : an image of each series within the spool folder; that of the series that is read comes
        first, then those of the series with the most images
    """

    study_id: int
    due_at: datetime
    patient_id: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """What the headers of a study say that the list shows; "" where they do not say.

    Attributes
    ----------
    patient_name : all groups as they came; "" where no names are kept
    scanned_at : YYYY-MM-DDTHH:MM:SS, or the date alone
    """

    patient_name: str = field(default="", repr=False)
    scanned_at: str = ""
    study_description: str = field(default="", repr=False)
    series_description: str = field(default="", repr=False)
    body_part: str = ""


def headings_due(session: Session, most: int) -> list[int]:
    """Studies whose headings are due, the newest first."""
    return list(
        session.scalars(
            select(Study.id)
            .where(Study.heading_due_at >= LONG_AGO)
            .order_by(Study.heading_due_at.desc())
            .limit(most)
        )
    )


def heading_due(session: Session, study_id: int) -> HeadingDue | None:
    """What is to be read for the heading of a study; None when it is not due any more."""
    study = session.execute(
        select(Study.heading_due_at, Study.patient_id).where(Study.id == study_id)
    ).one()
    if study.heading_due_at is None:
        return None
    return HeadingDue(
        study_id=study_id,
        due_at=study.heading_due_at,
        patient_id=study.patient_id,
        paths=_paths_of(session, study_id),
    )


def keep_heading(
    session: Session, due: HeadingDue, heading: Heading | None, *, named: bool
) -> bool:
    """Keep what was read, unless it was asked for again meanwhile; gives whether it was kept.

    Parameters
    ----------
    heading : None where the files are gone: what they said before stays, but for a name that may
        not be kept
    named : whether names are kept by the setting
    """
    study = session.execute(
        update(Study)
        .where(Study.id == due.study_id, Study.heading_due_at == due.due_at)
        .values(heading_due_at=None)
        .returning(Study.patient_id, Study.several_patients)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if study is None:
        return False
    row = session.get(StudyHeading, due.study_id)
    if row is None:
        row = StudyHeading(study_id=due.study_id)
        session.add(row)
        heading = heading or Heading()
    same = study.patient_id == due.patient_id and not study.several_patients
    row.named = named
    if heading is None:
        if not (named and same):
            row.patient_name = row.searched_name = ""
        return True
    name = heading.patient_name[:_MOST_NAME_LETTERS] if named and same else ""
    row.patient_name, row.searched_name = name, folded_name(name)
    row.scanned_at = heading.scanned_at
    row.study_description = heading.study_description
    row.series_description = heading.series_description
    row.body_part = heading.body_part
    return True


def follow_setting(session: Session, *, named: bool) -> int:
    """Forget every name, or ask for those that are lacking; gives of how many studies.

    Belongs to the start of the housekeeping: the setting may be another one than before.

    Parameters
    ----------
    named : whether names are kept by the setting
    """
    others = StudyHeading.named.is_(not named)
    if named:
        lacking = select(StudyHeading.study_id).where(others)
        done = session.execute(
            update(Study)
            .where(Study.id.in_(lacking), Study.heading_due_at.is_(None))
            .values(heading_due_at=Study.last_instance_at)
            .execution_options(synchronize_session=False)
        )
    else:
        done = session.execute(
            update(StudyHeading)
            .where(others)
            .values(named=False, patient_name="", searched_name="")
        )
    return int(done.rowcount)  # type: ignore[attr-defined]


def forget_name(session: Session, study_id: int) -> None:
    """Forget the name of a study's patient: its instances name several."""
    session.execute(
        update(StudyHeading)
        .where(StudyHeading.study_id == study_id)
        .values(patient_name="", searched_name="")
        .execution_options(synchronize_session=False)
    )


def _paths_of(session: Session, study_id: int) -> tuple[str, ...]:
    chosen = session.scalar(
        select(SeriesDecision.series_instance_uid)
        .join(Job, Job.id == SeriesDecision.job_id)
        .where(Job.study_id == study_id, SeriesDecision.chosen)
        .order_by(Job.id.desc())
        .limit(1)
    )
    paths: dict[str, list[str]] = {}
    found = session.execute(
        select(Instance.series_instance_uid, Instance.path)
        .where(Instance.study_id == study_id)
        .order_by(Instance.id)
    )
    for uid, path in found:
        paths.setdefault(uid, []).append(path)
    ordered = sorted(paths, key=lambda uid: (uid != chosen, -len(paths[uid]), uid))
    return tuple(paths[uid][0] for uid in ordered)
