"""Clinical values in both databases: entries add up, and nothing impossible gets in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from database.session import Engine, query, transaction
from database.studies.clinical_values import RecordedValues, clinical_values, record_clinical_values
from database.studies.opened_studies import AGAIN_AFTER, record_opened
from database.tables.study.analysis import Study
from database.tables.study.clinical import ClinicalEntry
from radiology.clinical import ClinicalValues
from radiology.errors import ClinicalValuesRefused
from tests.builders.stored.rows import later, queue_job

pytestmark = pytest.mark.integration


def _study(engine: Engine) -> int:
    queue_job(engine, study=1)
    with query(engine) as session:
        return session.scalars(select(Study.id)).one()


def _in_force(engine: Engine, study_id: int, up_to: int | None = None) -> RecordedValues:
    with query(engine) as session:
        return clinical_values(session, study_id, up_to=up_to)


def test_entries_add_up(engine: Engine) -> None:
    """A later entry replaces what it names, takes back what it empties, and leaves the rest."""
    study_id = _study(engine)
    with transaction(engine) as session:
        vital = ClinicalValues(respiratory_rate_per_min=28.0, spo2_percent=91.0)
        assert record_clinical_values(session, study_id, vital, "ICU", "hl7", later(1))
    first = _in_force(engine, study_id)
    with transaction(engine) as session:
        changes = {"spo2_percent": 94.0, "respiratory_rate_per_min": None, "gcs": 15}
        assert record_clinical_values(session, study_id, changes, "reader", "page", later(2))
    now = _in_force(engine, study_id)
    assert now.values == {"spo2_percent": 94.0, "gcs": 15}
    assert (now.sources["gcs"].by, now.sources["gcs"].through) == ("reader", "page")
    assert now.sources["gcs"].at == later(2)
    assert _in_force(engine, study_id, up_to=first.entry_id) == first


def test_the_same_values_again_are_no_entry(engine: Engine) -> None:
    """A system that repeats its message does not fill the history."""
    study_id = _study(engine)
    values = ClinicalValues(urea_mmol_l=7.5)
    for expected in (True, False):
        with transaction(engine) as session:
            done = record_clinical_values(session, study_id, values, "LAB", "hl7", later(1))
        assert done is expected
    with query(engine) as session:
        assert len(session.scalars(select(ClinicalEntry)).all()) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"gcs": 2}, "gcs"),
        ({"spo2_percent": float("nan")}, "spo2_percent"),
        ({"diastolic_mmhg": 130.0}, "diastolic_mmhg"),
        ({"patient_name": "x"}, "key 2"),
    ],
)
def test_nothing_impossible_gets_in(engine: Engine, values: dict[str, object], field: str) -> None:
    """Neither what cannot be, nor what contradicts a value in force, nor an unknown field."""
    study_id = _study(engine)
    with transaction(engine) as session:
        record_clinical_values(session, study_id, {"systolic_mmhg": 120.0}, "a", "page", later(1))
    before = _in_force(engine, study_id)
    with pytest.raises(ClinicalValuesRefused) as refused, transaction(engine) as session:
        record_clinical_values(session, study_id, values, "LAB", "hl7", later(2))
    assert field in refused.value.problems
    assert _in_force(engine, study_id) == before


def test_an_opening_is_recorded_once_in_a_while(engine: Engine) -> None:
    """Each reader by themselves, and again after a while."""
    study_id = _study(engine)
    with transaction(engine) as session:
        assert record_opened(session, study_id, "anna", later(0))
        assert not record_opened(session, study_id, "anna", later(60))
        assert record_opened(session, study_id, "ben", later(60))
        afterwards = later(0) + AGAIN_AFTER + timedelta(seconds=1)
        assert record_opened(session, study_id, "anna", afterwards)
