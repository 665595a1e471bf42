"""From received instances to the page: what a worker kept is what the viewer gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chest.values.regions import LesionLabel
from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from settings.environment import read_settings
from settings.page.study_page import StudyPageSettings
from tests.builders.bundles import write_bundle
from tests.builders.chest.outline_label import OutlineLabel
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.unit.worklist.access.visitor import Visitor
from worklist.app import create_app

SHAPE = (48, 64, 80)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Give a bundle that names itself; its networks are not asked."""
    return read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Give a coarse chest with many lesions."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    return make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)


def _room(folder: Path, bundle: Bundle, *, keep_slices: bool = True) -> ReadingRoom:
    settings = read_settings(
        data_folder=folder, study_page=StudyPageSettings(keep_slices=keep_slices)
    )
    return ReadingRoom(settings, TruthReader(bundle))


def _visitor(room: ReadingRoom) -> Visitor:
    return Visitor(create_app(room.settings, room.engine, clock=room.equipment.clock))


def test_the_viewer_gets_what_the_worker_read(
    tmp_path: Path, bundle: Bundle, phantom: Phantom
) -> None:
    """As many lesion voxels arrive as the phantom has, on slices from head to feet."""
    room = _room(tmp_path, bundle)
    result = room.read(phantom, StudyIdentity.of(phantom))
    visitor = _visitor(room)
    address = f"/results/{result.id}/slices"
    facts = visitor.get(address).json()
    assert facts["heights_mm"] == sorted(facts["heights_mm"], reverse=True)
    assert facts["key"] in facts["lesion_slices"]
    labels = np.stack(
        [
            np.frombuffer(visitor.get(f"{address}/{place}/labels").content, np.uint8)
            for place in range(facts["slices"])
        ]
    )
    for label, kind in (
        (OutlineLabel.GROUND_GLASS, LesionLabel.GROUND_GLASS),
        (OutlineLabel.CONSOLIDATION, LesionLabel.CONSOLIDATION),
    ):
        expected = np.count_nonzero(phantom.lesions == kind)
        assert np.count_nonzero(labels == label) == expected
    assert facts["lesions"], "each lesion has its place"
    text = visitor.text(f"/studies/{StudyIdentity.of(phantom).uid('study')}")
    assert "% of the worse lung suspected, and 25 % or more" in text
    assert "decides" in text
    assert json.dumps(result.reading["urgency_rules"])


def test_keeping_slices_can_be_switched_off(
    tmp_path: Path, bundle: Bundle, phantom: Phantom
) -> None:
    """A site without room has the key picture, and the page says that no slices are kept."""
    room = _room(tmp_path, bundle, keep_slices=False)
    result = room.read(phantom, StudyIdentity.of(phantom))
    assert not list(room.settings.results_folder.rglob("*.slices.zip"))
    visitor = _visitor(room)
    assert visitor.get(f"/results/{result.id}/slices").status_code == 404
    assert visitor.get(f"/pictures/{result.id}").status_code == 200
    uid = StudyIdentity.of(phantom).uid("study")
    assert "are not kept" in visitor.text(f"/studies/{uid}")
