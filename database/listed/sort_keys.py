"""What the list can be sorted by beside its own order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func

from database.states import StudyState
from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Study


class SortKey(StrEnum):
    """A value that a study has for itself: what was found is more than one value, and is none."""

    ACCESSION = "accession"
    PATIENT = "patient"
    NAME = "name"
    SCANNED = "scanned"
    DESCRIPTION = "description"
    BODY = "body"
    BUNDLE = "bundle"
    SUSPICION = "suspicion"
    STATE = "state"
    LAST = "last"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Sorting:
    """In which order studies stand; those that lack the value come last in either direction."""

    key: SortKey
    down: bool = False


OF_HEADING: Final = frozenset({SortKey.NAME, SortKey.SCANNED, SortKey.DESCRIPTION, SortKey.BODY})

_STEPS = case({state: at for at, state in enumerate(StudyState)}, value=Study.state)
_COLUMNS: Final[dict[SortKey, Any]] = {
    SortKey.ACCESSION: func.lower(Study.accession_number),
    SortKey.PATIENT: func.lower(Study.patient_id),
    SortKey.NAME: StudyHeading.searched_name,
    SortKey.SCANNED: StudyHeading.scanned_at,
    SortKey.DESCRIPTION: func.lower(StudyHeading.study_description),
    SortKey.BODY: func.lower(StudyHeading.body_part),
    SortKey.BUNDLE: Study.bundle,
    SortKey.SUSPICION: Study.suspicion,
    SortKey.STATE: _STEPS,
    SortKey.LAST: Study.last_instance_at,
    SortKey.SENDER: Study.calling_ae_title,
}
_FIGURES: Final = frozenset({SortKey.SUSPICION, SortKey.STATE, SortKey.LAST})


def sorted_by(key: SortKey) -> tuple[ColumnElement[Any], ColumnElement[int]]:
    """The value, and 1 where a study lacks it and 0 where it has it."""
    value = _COLUMNS[key]
    lacks = value.is_(None) if key in _FIGURES else (value.is_(None)) | (value == "")
    return value, case((lacks, 1), else_=0)
