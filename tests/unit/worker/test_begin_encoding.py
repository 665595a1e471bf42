"""What is made of a study while it is read: the same as afterwards, and nothing when it ends."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radiology.image.slice_stack import pack_voxels
from radiology.image.volume import Volume
from settings.environment import read_settings
from tests.builders.chest.analysed_phantom import AnalysedStudy, analysed_phantom
from tests.peers.waiting import wait_until
from tests.unit.worker.encode.encoded_chest import ORIENTATIONS, Chest, result_context
from worker.keep.begin_encoding import begin_encoding, read_headers
from worker.keep.encode_study import StudyToEncode, encode_study
from worker.keep.keep_slices import packed_slices

CUBE = Chest(spacing_mm=(4.0, 4.0, 4.0), shape=(56, 72, 72))


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> AnalysedStudy:
    return analysed_phantom("positive", tmp_path_factory.mktemp("source"), shape=(24, 64, 64))


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("begin-encoding")]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_slices_of_the_page_are_the_same(orientation: str) -> None:
    """However the patient was scanned."""
    context = result_context(chest=replace(CUBE, orientation=ORIENTATIONS[orientation]))
    with begin_encoding([], context.volume, with_slices=True) as begun:
        packed = packed_slices(context, begun.pack_slice)
    expected = packed_slices(context)
    assert packed is not None
    assert expected is not None
    assert bytes(packed) == bytes(expected)


def test_every_file_of_a_result_is_the_same(tmp_path: Path, analysed: AnalysedStudy) -> None:
    context = analysed.context
    study = StudyToEncode(
        paths=analysed.files,
        volume=context.volume,
        reading=context.reading,
        triage=context.triage,
        content_datetime=context.content_datetime,
        result_version=1,
    )
    written = []
    with begin_encoding(analysed.files, context.volume, with_slices=True) as begun:
        for name, one in (("before", study), ("begun", replace(study, begun=begun))):
            settings = read_settings(data_folder=tmp_path / name)
            encode_study(one, settings)
            folder = settings.results_folder
            written.append(
                {
                    path.relative_to(folder): path.read_bytes()
                    for path in folder.rglob("*")
                    if path.is_file()
                }
            )
    assert written[0]
    assert written[0] == written[1]


def test_headers_are_those_of_the_files(analysed: AnalysedStudy) -> None:
    with begin_encoding(analysed.files, analysed.context.volume, with_slices=False) as begun:
        assert begun.headers() == read_headers(analysed.files)
    assert all("PixelData" not in one for one in begun.headers())


def test_a_file_that_is_gone_is_an_error_when_it_is_wanted(tmp_path: Path) -> None:
    """A study that comes to no answer never asks."""
    with (
        begin_encoding([tmp_path / "gone"], result_context().volume, with_slices=False) as begun,
        pytest.raises(FileNotFoundError),
    ):
        begun.headers()


def test_of_a_large_study_the_first_slices_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So much stays in memory; the rest is packed when it is wanted, and a slice is given once."""
    packed_by: list[str] = []

    def pack(hounsfield: np.typing.NDArray[np.float32]) -> bytes:
        packed_by.append(threading.current_thread().name)
        return pack_voxels(hounsfield)

    monkeypatch.setattr("worker.keep.begin_encoding.pack_voxels", pack)
    voxels = np.arange(310 * 4, dtype=np.float32).reshape(310, 2, 2)
    volume = Volume(voxels, np.eye(4)[[2, 1, 0, 3]])  # slices go up, rows to the back
    with begin_encoding([], volume, with_slices=True) as begun:
        wait_until(lambda: len(packed_by) >= 300, what="what is packed before it is wanted")
        assert [begun.pack_slice(one) for one in range(310)] == [pack_voxels(one) for one in voxels]
        assert packed_by[300:] == [threading.current_thread().name] * 10
        begun.pack_slice(309)
        assert len(packed_by) == 311


def test_nothing_goes_on_when_reading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slice in hand is finished, the others are not begun."""
    begins, goes_on = threading.Event(), threading.Event()
    packed: list[int] = []

    def pack(_: np.typing.NDArray[np.float32]) -> bytes:
        begins.set()
        assert goes_on.wait(30)
        packed.append(1)
        return b""

    monkeypatch.setattr("worker.keep.begin_encoding.pack_voxels", pack)

    def read() -> None:
        with begin_encoding([], result_context().volume, with_slices=True):
            assert begins.wait(30)
            threading.Timer(0.2, goes_on.set).start()
            raise LookupError

    with pytest.raises(LookupError):
        read()
    assert packed == [1]
    assert not _threads()
