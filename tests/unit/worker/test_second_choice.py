"""What the headers promise and the pixels or the geometry do not keep: a worker's way through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select

from database.session import query
from database.states import JobState
from database.tables.study.analysis import Event, Job, Result
from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.identity import derived_uid
from settings.environment import read_settings
from tests.builders.bundles import write_bundle
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from worker.pipeline import analyse_one

SHAPE = (48, 64, 80)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Give a coarse chest with many lesions."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    return make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)


def _changed(path: Path, change: Callable[[Dataset], None], name: str = "") -> Path:
    image = dcmread(path)
    change(image)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    target = path.with_name(f"{name}{path.name}")
    image.save_as(target)
    return target


def _sharper(image: Dataset) -> None:
    """The same slice once more, as one of a series that comes second."""
    image.SeriesInstanceUID = derived_uid("sharper", str(image.SeriesInstanceUID))
    image.SOPInstanceUID = derived_uid("sharper", str(image.SOPInstanceUID))
    image.ConvolutionKernel = "B70f"


def _cut_off(image: Dataset) -> None:
    image.PixelData = image.PixelData[: len(image.PixelData) // 4 * 2]


def _frames_of_a_hundred(image: Dataset) -> None:
    image.NumberOfFrames = 100


def _received(
    folder: Path, bundle: Bundle, phantom: Phantom
) -> tuple[ReadingRoom, str, list[Path]]:
    """A worker, and the files of a study in its spool."""
    settings = read_settings(data_folder=folder, bundles=[bundle.name])
    identity = StudyIdentity.of(phantom)
    uid = identity.uid("study")
    room = ReadingRoom(settings, TruthReader(bundle, phantoms={uid: phantom}))
    paths = write_phantom_study(phantom, settings.spool_folder / uid, identity=identity)
    return room, uid, list(paths)


def _result(room: ReadingRoom) -> Result:
    assert analyse_one(room.equipment)
    with query(room.engine) as session:
        found = session.scalars(select(Result)).one()
        assert found.job.decisions is not None
        assert found.objects is not None
        return found


def test_a_series_with_a_damaged_slice_gives_way_to_a_whole_one(
    tmp_path: Path, bundle: Bundle, phantom: Phantom
) -> None:
    """The study has its answer, and a row that says why it is not of the better series."""
    room, uid, paths = _received(tmp_path, bundle, phantom)
    series = str(dcmread(paths[0]).SeriesInstanceUID)
    second = [_changed(path, _sharper, "sharper-") for path in paths]
    _changed(paths[20], _cut_off)
    room.take(uid, [*paths, *second])
    result = _result(room)
    rows = {one.series_instance_uid: one for one in result.job.decisions}
    assert rows[series].rule == "decoding"
    assert not rows[series].chosen
    assert "frames" in rows[series].reason
    assert rows[derived_uid("sharper", series)].chosen
    assert result.outcome.value == "findings"
    assert len(result.objects) >= 3
    with query(room.engine) as session:
        events = session.scalars(
            select(Event).where(Event.name == "selected").order_by(Event.id)
        ).all()
        tried = [one.facts["series_instance_uid"] for one in events]
        assert tried == [series, derived_uid("sharper", series)]


def test_a_ct_image_of_several_frames_is_refused_with_the_reason(
    tmp_path: Path, bundle: Bundle, phantom: Phantom
) -> None:
    """What came in by C-STORE is held against what it states, before anything is measured."""
    room, uid, paths = _received(tmp_path, bundle, phantom)
    _changed(paths[20], _frames_of_a_hundred)
    room.take(uid, paths)
    result = _result(room)
    (row,) = result.job.decisions
    assert (row.rule, row.seen) == (
        "frames",
        "Number of Frames is 100, the place of 1 is described",
    )
    with query(room.engine) as session:
        assert session.scalars(select(Job.state)).one() is JobState.REFUSED


@pytest.mark.parametrize("stated", [True, False], ids=["each its own", "none"])
def test_slices_without_a_common_frame_of_reference_are_read_with_a_warning(
    tmp_path: Path, bundle: Bundle, phantom: Phantom, stated: bool
) -> None:
    """Positions and orientation agree: the answer does not need the name of their space."""
    room, uid, paths = _received(tmp_path, bundle, phantom)

    def change(image: Dataset) -> None:
        image.FrameOfReferenceUID = derived_uid("own", str(image.SOPInstanceUID)) if stated else ""

    room.take(uid, [_changed(path, change) for path in paths])
    result = _result(room)
    (row,) = result.job.decisions
    assert row.chosen
    assert f"({48 if stated else 0} in 48 instances)" in row.reason
    assert "no frame of reference in common" in row.reason
    objects = [dcmread(room.settings.results_folder / one.path) for one in result.objects]
    (seg,) = [one for one in objects if one.Modality == "SEG"]
    series = str(dcmread(paths[0]).SeriesInstanceUID)
    assert seg.FrameOfReferenceUID == derived_uid("frame of reference", series)
