"""A study with an earlier one, read by the worker, as OHIF shows its report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from models.schema_2.bundle import read_bundle
from phantom import TYPICAL_LESIONS
from phantom.identity import StudyIdentity
from settings.environment import read_settings
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.page.ohif_page import OhifPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

COARSE_MM = 4.5
THEN = StudyIdentity(
    key="earlier, in a viewer",
    patient_id="4711",
    patient_name="Doe^Jane",
    moment=datetime(2026, 1, 1, 12, 0),  # noqa: DTZ001 a scanner's clock has no zone
    patient_birth_date="19610203",
    patient_sex="F",
)
NOW = replace(THEN, key="later, in a viewer", moment=THEN.moment + timedelta(hours=36))


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    bundle = read_bundle(write_bundle(tmp_path / "bundles"))
    return ReadingRoom(read_settings(data_folder=tmp_path), TruthReader(bundle))


def test_a_report_that_tells_the_change_opens(
    room: ReadingRoom,
    pacs: OrthancPeer,
    open_in_viewer: Callable[[str], AbstractContextManager[OhifPage]],
    keep_viewer_picture: Callable[[OhifPage, str], None],
) -> None:
    """The report of two time points is shown with its figures: now, then, and the change."""
    room.read(scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=COARSE_MM), THEN)
    room.read(scan(lesions=TYPICAL_LESIONS, spacing_mm=COARSE_MM), NOW)
    for folder in (room.settings.spool_folder, room.settings.results_folder):
        for path in sorted(folder.rglob("*.dcm")):
            pacs.upload(path)
    report = _report(room, NOW)
    with open_in_viewer(NOW.uid("study")) as page:
        page.open_report(str(report.SeriesDescription))
        lines = page.lines()
        assert page.outlines() >= 3
        keep_viewer_picture(page, "ohif-report-with-an-earlier-study")
    for figure in ("Lesion volume in the prior study", "Change of lesion volume", "Growth"):
        assert any(line.startswith(figure) for line in lines), lines


def _report(room: ReadingRoom, identity: StudyIdentity) -> Dataset:
    """The report for viewers of a study, as it is kept."""
    kept = (dcmread(path) for path in room.settings.results_folder.rglob("*.dcm"))
    (found,) = (
        one
        for one in kept
        if one.StudyInstanceUID == identity.uid("study") and one.Modality == "SR"
    )
    return found
