"""Studies that are still coming: what is read of them, and that their answers stay the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from sqlalchemy import select

import worker.series.decode_volume as decode_volume_module
import worker.series.read_series as read_series_module
from database.session import query
from database.tables.study.analysis import Result, ResultObject
from models.run.declared_network import DeclaredNetwork
from phantom import Phantom, make_phantom, phantom_grid
from phantom.study import StudyIdentity, write_phantom_study
from radiology.algorithm import ExecutionProvider
from settings.environment import read_settings
from tests.builders.declared import slab_chest
from tests.builders.dicom.spooled import ReadingRoom
from worker.ahead.coming_slices import coming_slices
from worker.ahead.read_ahead import ReadingAhead
from worker.pipeline import analyse_one
from worker.series.decode_volume import decode_frame, decode_volume
from worker.series.read_series import read_series

Floats = NDArray[np.float32]
SLICES = 36
Answer = tuple[dict[str, Any], list[bytes]]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slab_chest.write_slab_chest(tmp_path_factory.mktemp("bundles")).parent.parent


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    grid = phantom_grid((SLICES, 96, 96), (288.0 / SLICES, 358.0 / 96, 358.0 / 96))
    return make_phantom(grid=grid, twigs=20)


def _room(folder: Path, bundles: Path) -> ReadingRoom:
    folder.mkdir(exist_ok=True)
    return ReadingRoom(
        read_settings(
            data_folder=folder,
            bundles_folder=bundles,
            bundles=(slab_chest.NAME,),
            execution_provider=ExecutionProvider.CPU,
        )
    )


def _spooled(room: ReadingRoom, phantom: Phantom, salt: str = "") -> tuple[str, list[Path]]:
    """Write a study into the spool; its UID, and its files in the order in which they come."""
    identity = StudyIdentity.of(phantom, salt=salt)
    uid = identity.uid("study")
    folder = room.settings.spool_folder / uid
    return uid, list(write_phantom_study(phantom, folder, identity=identity))


def _kept(room: ReadingRoom) -> Answer:
    """The result's reading, and its objects."""
    with query(room.engine) as session:
        reading = dict(session.scalars(select(Result)).one().reading)
        paths = session.scalars(select(ResultObject.path).order_by(ResultObject.path)).all()
    return reading, [(room.settings.results_folder / path).read_bytes() for path in paths]


def _counted(patch: pytest.MonkeyPatch) -> list[int]:
    counts: list[int] = []
    run = DeclaredNetwork.run

    def counted(self: DeclaredNetwork, inputs: Floats) -> Mapping[str, Floats]:
        if inputs.shape[1] == 3:  # a slice and its neighbours
            counts.append(len(inputs))
        return run(self, inputs)

    patch.setattr(DeclaredNetwork, "run", counted)
    return counts


@pytest.fixture(scope="module")
def read_whole(tmp_path_factory: pytest.TempPathFactory, bundles: Path, phantom: Phantom) -> Answer:
    """The answer about the phantom of a worker that began when all of it was there."""
    room = _room(tmp_path_factory.mktemp("whole"), bundles)
    room.take(*_spooled(room, phantom))
    with pytest.MonkeyPatch.context() as patch:
        shown = _counted(patch)
        assert analyse_one(room.equipment)
    assert sum(shown) >= SLICES
    return _kept(room)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many slices the network of masks is shown, each time that it is asked."""
    return _counted(monkeypatch)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of the spool: "header" or "pixels", for each file."""
    reads: list[str] = []
    for module, name, what in (
        (read_series_module, "dcmread", "header"),
        (decode_volume_module, "read_pixels", "pixels"),
    ):
        monkeypatch.setattr(module, name, _noted(getattr(module, name), what, reads))
    return reads


def _noted(function: Callable[..., Any], what: str, reads: list[str]) -> Callable[..., Any]:
    def noted(*arguments: Any, **named: Any) -> Any:
        reads.append(what)
        return function(*arguments, **named)

    return noted


@pytest.mark.parametrize("backwards", [False, True], ids=["as numbered", "the other way"])
def test_a_study_that_was_read_as_it_came_has_the_same_answer(
    tmp_path: Path,
    bundles: Path,
    phantom: Phantom,
    shown: list[int],
    opened: list[str],
    read_whole: Answer,
    backwards: bool,
) -> None:
    """Its job asks the network for the end that was not there, and every byte is the same.

    Neither a header nor a slice is read again.
    """
    room = _room(tmp_path, bundles)
    uid, paths = _spooled(room, phantom)
    paths = paths[::-1] if backwards else paths
    ahead = ReadingAhead(room.equipment, most_s=60.0, idle_s=0.0)
    room.equipment.warm_up()
    assert ahead.turn() == 0  # nothing is coming
    room.record(paths[:20])
    assert ahead.turn() > 10
    assert ahead.turn() == 0  # nothing more has come
    room.record(paths[20:])
    assert ahead.turn() > 10
    room.assemble(uid)
    assert ahead.turn() == 0
    assert opened.count("header") == SLICES
    assert opened.count("pixels") >= SLICES - 1
    shown.clear()
    opened.clear()
    assert analyse_one(room.equipment)
    assert sum(shown) <= 2
    assert opened == []
    reading, objects = _kept(room)
    expected, theirs = read_whole
    assert reading == expected
    assert len(objects) >= 2
    assert objects == theirs


def test_a_job_that_waits_comes_first(
    tmp_path: Path, bundles: Path, phantom: Phantom, shown: list[int]
) -> None:
    room = _room(tmp_path, bundles)
    uid, paths = _spooled(room, phantom, "waits")
    room.take(uid, paths)
    _, coming = _spooled(room, phantom, "comes")
    room.record(coming[:-4])
    assert ReadingAhead(room.equipment, most_s=60.0, idle_s=0.0).turn() == 0
    assert not shown


def test_a_study_that_cannot_be_read_keeps_none_from_being_read(
    tmp_path: Path, bundles: Path, phantom: Phantom
) -> None:
    """A file that is gone from the disk; it is tried once, and its job will say it."""
    room = _room(tmp_path, bundles)
    _, damaged = _spooled(room, phantom, "damaged")
    room.record(damaged)
    damaged[5].unlink()
    _, good = _spooled(room, phantom, "good")
    room.record(good)
    ahead = ReadingAhead(room.equipment, most_s=60.0, idle_s=0.0)
    assert SLICES - 3 <= ahead.turn() <= SLICES
    assert ahead.turn() == 0


def test_of_hundreds_that_come_at_once_some_are_read(
    tmp_path: Path, bundles: Path, phantom: Phantom, opened: list[str]
) -> None:
    """Headers of all of them would fill the memory; those that were begun are gone on with."""
    room = _room(tmp_path, bundles)
    studies = [_spooled(room, phantom, f"moved {number}") for number in range(6)]
    for _, paths in studies:
        room.record(paths[:1])
    ahead = ReadingAhead(room.equipment, most_s=60.0, idle_s=0.0)
    ahead.turn()
    ahead.turn()
    assert opened.count("header") == 4
    room.assemble(studies[-1][0])
    assert analyse_one(room.equipment)
    opened.clear()
    ahead.turn()
    assert opened.count("header") == 1


def test_what_is_handed_over_is_what_is_decoded(tmp_path: Path, phantom: Phantom) -> None:
    """Slice by slice from the feet, whatever came first; names are those of the instances."""
    files = write_phantom_study(phantom, tmp_path, shuffled=True)
    (series,) = read_series(files)
    paths = _by_uid(files)
    volume = decode_volume(series, paths)
    canonical, _ = volume.canonical()
    slices = coming_slices(series, paths, volume.frames[3].sop_instance_uid, decode_frame)
    assert slices is not None
    assert slices.shape == canonical.shape
    assert slices.spacing_mm == canonical.spacing_mm
    assert not slices.grows_upwards
    for at in range(SLICES):
        assert np.array_equal(slices.hounsfield(at), canonical.hounsfield[at])
    lowest = coming_slices(series, paths, slices.names[0], decode_frame)
    assert lowest is not None
    assert lowest.grows_upwards


def _by_uid(files: Sequence[Path]) -> dict[str, Path]:
    return {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID): path for path in files}


def test_no_stack_of_axial_slices_is_read_ahead(tmp_path: Path, phantom: Phantom) -> None:
    """One multi-frame instance comes at once: there is nothing to be gained."""
    files = write_phantom_study(phantom, tmp_path, multi_frame=True)
    (series,) = read_series(files)
    assert coming_slices(series, _by_uid(files), "", decode_frame) is None


def test_a_turn_ends_in_the_middle_of_a_study(
    tmp_path: Path, bundles: Path, phantom: Phantom
) -> None:
    """What follows it in the same task is an analysis, which must have its time."""
    room = _room(tmp_path, bundles)
    room.record(_spooled(room, phantom)[1])
    room.equipment.warm_up()
    each_look_takes_a_second = map(float, count()).__next__
    ahead = ReadingAhead(room.equipment, most_s=5.0, idle_s=0.0, seconds=each_look_takes_a_second)
    few = ahead.turn()
    assert 0 < few < SLICES / 2
    ahead = ReadingAhead(room.equipment, most_s=60.0, idle_s=0.0)
    assert few + ahead.turn() >= SLICES - 3  # what is left is read later
