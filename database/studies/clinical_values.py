"""Clinical values of a study: recorded with who entered them and when, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.events import record_event
from database.tables.study.analysis import Study
from database.tables.study.clinical import ClinicalEntry
from radiology.answer.statement import PlainValue
from radiology.clinical import ClinicalSource, ClinicalValues


@dataclass(frozen=True, slots=True)
class RecordedValues:
    """The clinical values of a study that are in force.

    Attributes
    ----------
    entry_id : of the newest entry, 0 before the first; whoever changes values says which they saw
    values : of the fields that have one
    sources : of the same fields
    """

    entry_id: int = 0
    values: Mapping[str, PlainValue] = field(default_factory=dict)
    sources: Mapping[str, ClinicalSource] = field(default_factory=dict)

    @property
    def latest(self) -> ClinicalSource | None:
        """Of the value that was entered last."""
        return max(self.sources.values(), key=lambda one: one.at, default=None)


def record_clinical_values(
    session: Session,
    study_id: int,
    values: ClinicalValues | Mapping[str, object],
    by: str,
    through: str,
    now: datetime,
) -> bool:
    """Add what was given to the clinical values of a study.

    Parameters
    ----------
    values : those of the fields that are given; a field that is absent stays as it is. In a
        mapping, a field that is None is taken back.
    by, through : as in `ClinicalSource`

    Returns
    -------
    False when nothing changes: the same values again, as a system may send them.

    Raises
    ------
    ClinicalValuesRefused
        A field is unknown or a value cannot be, alone or beside those in force.
    """
    given = values.facts() if isinstance(values, ClinicalValues) else dict(values)
    # The lock: two entries at one time must be checked one after the other.
    session.scalars(select(Study.id).where(Study.id == study_id).with_for_update()).one()
    before = clinical_values(session, study_id).values
    after = ClinicalValues.from_facts({**before, **given}).facts()
    changes = {name: after.get(name) for name in given if after.get(name) != before.get(name)}
    if not changes:
        return False
    session.add(
        ClinicalEntry(
            study_id=study_id, changes=changes, entered_by=by, through=through, entered_at=now
        )
    )
    # Which fields, not which values: events are shown to whoever looks after the installation.
    record_event(
        session,
        "clinical_values_entered",
        now,
        study_id=study_id,
        through=through,
        fields=len(changes),
    )
    return True


def clinical_values(session: Session, study_id: int, *, up_to: int | None = None) -> RecordedValues:
    """The values in force; with `up_to` those that were when that entry was the newest."""
    wanted = (
        select(ClinicalEntry).where(ClinicalEntry.study_id == study_id).order_by(ClinicalEntry.id)
    )
    if up_to is not None:
        wanted = wanted.where(ClinicalEntry.id <= up_to)
    entry_id, values, sources = 0, dict[str, PlainValue](), dict[str, ClinicalSource]()
    for entry in session.scalars(wanted):
        entry_id = entry.id
        for name, value in entry.changes.items():
            values.pop(name, None)
            sources.pop(name, None)
            if value is not None:
                values[name] = value
                sources[name] = ClinicalSource(entry.entered_by, entry.through, entry.entered_at)
    return RecordedValues(entry_id, values, sources)
