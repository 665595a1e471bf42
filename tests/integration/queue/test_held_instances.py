"""What DICOMweb is told to be held, in both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from database.session import Engine, query
from database.views.held_instances import StudyFilter, held_instances, held_studies
from settings.environment import Settings
from tests.builders.stored.held_study import hold_instances, hold_results
from tests.unit.dicom_node.small_ct import STUDY, small_ct
from tests.unit.worklist.dicomweb.small_study import capture

pytestmark = pytest.mark.integration


def test_rows_narrow_a_search(engine: Engine, tmp_path: Path) -> None:
    """By wildcards that are none of SQL's, piece by piece from the newest; what was fetched only
    to compare with by its UID alone; originals before results."""
    site = Settings(data_folder=tmp_path / "data")
    for number, patient, asked_for in ((1, "P_1", False), (2, "PX1", False), (3, "P%1", True)):
        one = small_ct(1, StudyInstanceUID=f"2.25.{number}", PatientID=patient)
        one.SOPInstanceUID = f"2.25.{number}.9"
        hold_instances(site, engine, [one], asked_for=asked_for)
    hold_results(site, engine, STUDY, [capture()])

    def found(most: int = 10, before: int | None = None, **wanted: object) -> list[str]:
        with query(engine) as session:
            studies = held_studies(
                session,
                StudyFilter(**wanted),  # type: ignore[arg-type]
                before=before,
                most=most,
            )
            return [one.study_instance_uid for one in studies]

    assert found() == ["2.25.2", "2.25.1"]
    assert found(most=1) == ["2.25.2"]
    assert found(before=2) == ["2.25.1"]
    assert found(patient_id="P_1") == ["2.25.1"]
    assert found(patient_id="P?1") == ["2.25.2", "2.25.1"]
    assert found(patient_id="*X*") == ["2.25.2"]
    assert found(patient_id="P%1") == []
    assert found(study_instance_uids=["2.25.3", "2.25.1"]) == ["2.25.3", "2.25.1"]
    with query(engine) as session:
        held = held_instances(session, [STUDY, "2.25.404"])
    assert [one.sop_instance_uid for one in held[STUDY]] == ["2.25.1.9", "2.25.7.7.1"]
    assert held["2.25.404"] == ()
