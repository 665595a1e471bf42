"""Searches for studies of any date: by any part of an identifier, and where shown by name.

No order of an index helps with a part in the middle of a text, so a search reads the identifiers
of all studies. It costs some milliseconds for each ten thousand (docs/benchmarks.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Study
from database.views.worklist.list_page import listed_rows
from database.views.worklist.worklist_facts import WorklistRow
from radiology.clinical.person_name import folded

MOST_FOUND = 50
_ESCAPE: Final = "\\"
_IDENTIFIERS: Final = (Study.accession_number, Study.patient_id, Study.study_instance_uid)


def find_studies(
    session: Session, sought: str, now: datetime, *, names: bool = False
) -> tuple[WorklistRow, ...]:
    """Listed studies with a text in an identifier, or with its words in the patient's name.

    Capitals and small letters are the same. Whole identifiers come first, then beginnings, then
    the newest.

    Parameters
    ----------
    sought : at most `MOST_FOUND` are found; nothing for an empty text
    names : whether names are searched too
    """
    if not sought:
        return ()
    of_identifier = or_(*(_has(session, one, sought, "%", "%") for one in _IDENTIFIERS))
    by_name, begins_name = _of_name(sought) if names else (false(), false())
    place = case(
        (or_(*(_has(session, one, sought, "", "") for one in _IDENTIFIERS)), 0),
        (or_(*(_has(session, one, sought, "", "%") for one in _IDENTIFIERS), begins_name), 1),
        else_=2,
    )
    wanted = select(Study.id).where(Study.asked_for.is_(False), or_(of_identifier, by_name))
    if names:
        wanted = wanted.outerjoin(StudyHeading, StudyHeading.study_id == Study.id)
    ordered = wanted.order_by(place, Study.received_at.desc(), Study.id.desc()).limit(MOST_FOUND)
    return listed_rows(session, session.scalars(ordered).all(), now)


def _of_name(sought: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether each word stands in the name, and whether the name begins with them.

    A study whose instances name several patients is nobody's.
    """
    words = folded(sought)
    if not words:
        return false(), false()
    name, one_patient = StudyHeading.searched_name, Study.several_patients == ""
    has_all = and_(one_patient, *(name.like(f"%{_plain(one)}%", _ESCAPE) for one in words.split()))
    return has_all, and_(one_patient, name.like(f"{_plain(words)}%", _ESCAPE))


def _has(
    session: Session, column: InstrumentedAttribute[str], sought: str, before: str, after: str
) -> ColumnElement[bool]:
    """Whether a column holds a text, however it is capitalised.

    SQLite's LIKE knows capitals of ASCII, ILIKE those of the database's locale: letters that they
    may not know are asked for in each form.
    """
    forms = {sought} if sought.isascii() else {sought, sought.lower(), sought.upper()}
    like: Any = column.ilike if session.get_bind().dialect.name == "postgresql" else column.like
    return or_(*(like(f"{before}{_plain(one)}{after}", _ESCAPE) for one in sorted(forms)))


def _plain(text: str) -> str:
    """A text as LIKE takes it for itself."""
    for sign in (_ESCAPE, "%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text
