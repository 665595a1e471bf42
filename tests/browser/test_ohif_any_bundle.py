"""Objects of bundles of schema 3 in OHIF: a segmenter's outlines, and a report without a place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Result
from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import HeadIdentity, write_head_study
from radiology.algorithm import ExecutionProvider
from settings.environment import read_settings
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.dicom.spooled import ReadingRoom
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.page.ohif_page import OhifPage
from worker.pipeline import analyse_one

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[[str], AbstractContextManager[OhifPage]]


@dataclass
class StoredHead:
    """A study of a head in PACS, with the objects of two bundles; measured ml by bundle."""

    uid: str
    dense_ml: float


@pytest.fixture
def head(pacs: OrthancPeer, tmp_path: Path) -> StoredHead:
    """Let a worker read the study with both bundles, and put all of it into PACS."""
    bundles = tmp_path / "bundles"
    patch_segmenter.write_patch_segmenter(bundles)
    slice_scorer.write_slice_scorer(bundles)
    settings = read_settings(
        data_folder=tmp_path / "data",
        bundles_folder=bundles,
        bundles=(patch_segmenter.NAME, slice_scorer.NAME),
        execution_provider=ExecutionProvider.CPU,
    )
    settings.data_folder.mkdir()
    room = ReadingRoom(settings)
    bleeding = Bleeding(BleedingLabel.INTRAPARENCHYMAL, 40.0, attenuation_hu=72.0)
    phantom = make_head_phantom(
        grid=head_grid((30, 96, 96), (5.0, 2.4, 2.4)), bleedings=[bleeding], noise_hu=1.0
    )
    uid = HeadIdentity.of_head(phantom).uid("study")
    images = write_head_study(phantom, settings.spool_folder / uid)
    room.take(uid, images)
    while analyse_one(room.equipment):
        pass
    with query(room.engine) as session:
        results = session.scalars(select(Result)).all()
        made = [settings.results_folder / one.path for result in results for one in result.objects]
        (dense,) = [one for one in results if one.bundle == patch_segmenter.NAME]
        group = next(one for one in dense.reading["groups"] if one["name"] == "Hemorrhage")
        dense_ml = next(
            one["value"] for one in group["measurements"] if one["unit"]["value"] == "ml"
        )
    for path in (*images, *made):
        pacs.upload(path)
    return StoredHead(uid, dense_ml)


def test_a_bleeding_is_listed_outlined_and_reported(
    head: StoredHead,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
) -> None:
    """Series of both bundles are told apart; the segment has the volume that was reported."""
    with open_in_viewer(head.uid) as page:
        listed = dict.fromkeys(page.series())
        for modality, description in (
            ("SR", "AI findings: head CT, bleeding (Firstread)"),
            ("SEG", "AI lesions: head CT, bleeding (Firstread)"),
            ("SC", "AI key images: head CT, bleeding (Firstread)"),
            ("SR", "AI findings: abdomen CT, free fluid (Firstread)"),
            ("SC", "AI key images: abdomen CT, free fluid (Firstread)"),
        ):
            assert (modality, description) in listed or ("OT", description) in listed
        segments = page.load_segmentation("AI lesions: head CT, bleeding (Firstread)")
        assert all(one.label.startswith("Hemorrhage") for one in segments)
        outlined_ml = sum(one.volume_mm3 for one in segments) / 1000.0
        assert outlined_ml == pytest.approx(head.dense_ml, rel=0.005)
        keep_viewer_picture(page, "ohif-head-segmentation")


def test_a_report_without_a_place_is_shown(
    head: StoredHead,
    open_in_viewer: Opener,
    keep_viewer_picture: Callable[[OhifPage, str], None],
) -> None:
    """A score of slices outlines nothing: its report is drawn around the whole key slice."""
    with open_in_viewer(head.uid) as page:
        page.open_report("AI findings: abdomen CT, free fluid (Firstread)")
        assert page.picture().std() > 20  # a black viewport has 0
        keep_viewer_picture(page, "ohif-report-of-slices")
