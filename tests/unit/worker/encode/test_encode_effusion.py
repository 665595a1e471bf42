"""Effusion stands in reports as an observation of its own, whatever is said of pneumonia."""

from __future__ import annotations

from pathlib import Path

import pytest
from highdicom.sr import srread

from chest.values.effusion import Effusion
from radiology.answer.finding import Presence
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import result_context, with_chest
from tests.unit.worker.encode.report_content import figures, groups_of, report_of

BOTH = Effusion(right_ml=481.0, left_ml=60.0, mean_hu=9.8)


@pytest.mark.parametrize("kind", ["positive", "negative"])
def test_each_side_has_a_group_with_its_volume(kind: str) -> None:
    context = with_chest(result_context(kind), effusion=BOTH)
    groups = groups_of(report_of(context))
    for side, volume_ml in (("right", 481.0), ("left", 60.0)):
        told = figures(groups[f"Pleural effusion, {side}"])
        assert told == {"Volume": volume_ml, "Mean Attenuation Coefficient": 9.8}
    finding = context.reading.finding("effusion")
    assert finding is not None
    assert finding.presence is Presence.PRESENT
    assert context.reading.outcome is result_context(kind).reading.outcome


def test_a_validator_takes_the_report(tmp_path: Path) -> None:
    report = report_of(with_chest(result_context("negative"), effusion=BOTH))
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    assert srread(tmp_path / "report.dcm")
    assert dciodvfy(tmp_path / "report.dcm", work_folder=tmp_path).errors == ()


def test_nothing_is_said_of_fluid_that_was_not_found() -> None:
    """Little of it is not found: its absence is not claimed."""
    context = result_context("negative")
    assert context.reading.finding("effusion") is None
    assert not [name for name in groups_of(report_of(context)) if "effusion" in name]
    assert not [one for one in context.reading.remarks if "effusion" in one.title]
