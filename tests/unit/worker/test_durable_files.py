"""Files of a result: all of them get their names, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from radiology.errors import ResultMismatch, SpoolFull
from settings.environment import read_settings
from storage.local_files import LOCAL
from tests.builders.chest.analysed_phantom import AnalysedStudy, analysed_phantom
from worker.keep.durable_files import StagedFiles
from worker.keep.encode_study import StudyToEncode, encode_study


def _there(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def _differ(files: StagedFiles, folder: Path) -> None:
    files.write(folder / "1", memoryview(b"after"))
    files.write(folder / "2", memoryview(b"after"))
    raise ResultMismatch("they differ")


def _write_more(files: StagedFiles, folder: Path) -> None:
    files.write(folder / "1", memoryview(b"written"))
    files.write(folder / "full" / "2", memoryview(b"not written"))


def test_files_have_their_names_when_all_are_written(tmp_path: Path) -> None:
    """Several threads write; until the end a reader finds what was there before."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1").write_bytes(b"before")
    with StagedFiles(LOCAL) as files:
        with ThreadPoolExecutor(4) as threads:
            for name in ("a/1", "a/2", "b/3"):
                threads.submit(files.write, tmp_path / name, memoryview(name.encode())).result()
        assert dict(_there(tmp_path))["a/1"] == b"before"
        assert not (tmp_path / "a" / "2").exists()
    assert dict(_there(tmp_path)) == {"a/1": b"a/1", "a/2": b"a/2", "b/3": b"b/3"}


def test_an_error_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"before")
    files = StagedFiles(LOCAL)
    with pytest.raises(ResultMismatch), files:
        _differ(files, tmp_path)
    assert dict(_there(tmp_path)) == {"1": b"before"}


def test_an_attempt_that_lost_its_lease_takes_nothing_of_the_other(tmp_path: Path) -> None:
    """Both make the same result; the one is still writing, and fails, when the other has ended."""
    place = tmp_path / "1"
    lost = StagedFiles(LOCAL)
    with StagedFiles(LOCAL) as files:
        files.write(place, memoryview(b"written"))
        lost.write(place, memoryview(b"wr"))
    assert dict(_there(tmp_path))["1"] == b"written"
    with pytest.raises(ResultMismatch), lost:
        _differ(lost, tmp_path)
    assert dict(_there(tmp_path)) == {"1": b"written"}


def test_no_room_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A folder whose name is a file's stands in for a disk that takes no more."""
    (tmp_path / "full").write_bytes(b"")
    with StagedFiles(LOCAL) as files:
        files.write(tmp_path / "0", memoryview(b"written"))
    files = StagedFiles(LOCAL)
    with pytest.raises(SpoolFull), files:
        _write_more(files, tmp_path)
    assert dict(_there(tmp_path)) == {"0": b"written", "full": b""}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> AnalysedStudy:
    return analysed_phantom("positive", tmp_path_factory.mktemp("source"), shape=(24, 64, 64))


def _to_encode(analysed: AnalysedStudy) -> StudyToEncode:
    context = analysed.context
    return StudyToEncode(
        paths=analysed.files,
        volume=context.volume,
        reading=context.reading,
        triage=context.triage,
        content_datetime=context.content_datetime,
        result_version=1,
    )


def test_objects_that_do_not_agree_leave_no_file(tmp_path: Path, analysed: AnalysedStudy) -> None:
    """Pictures and slices are written beside the objects: they go when the proof fails."""
    settings = read_settings(data_folder=tmp_path)
    study = _to_encode(analysed)
    affine = study.volume.affine.copy()
    affine[:3, 3] += 40.0  # nowhere near the source
    with pytest.raises(ResultMismatch):
        encode_study(replace(study, volume=replace(study.volume, affine=affine)), settings)
    assert not list(_there(settings.results_folder))


def test_everything_of_a_result_is_there_when_it_is_named(
    tmp_path: Path, analysed: AnalysedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is made durable before any of them has its name, and each folder after that."""
    settings = read_settings(data_folder=tmp_path)
    calls: list[str] = []
    flush, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        calls.append("folder" if place.is_dir() else "file")
        flush(descriptor)

    def replace_(self: Path, target: Path) -> Path:
        calls.append("name")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace_)
    encoded = encode_study(_to_encode(analysed), settings)
    names = {name for name, _ in _there(settings.results_folder)}
    assert encoded.picture is not None
    stem = encoded.picture.removesuffix(".png")
    assert {encoded.picture, f"{stem}.slices.zip"} <= names
    assert {one.path for one in encoded.objects} <= names
    count = len(names)
    # That of the study, and the two in which a folder was made for it
    assert calls == ["file"] * count + ["name"] * count + ["folder"] * 3


def test_a_new_folder_outlives_a_power_cut_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry in the folder above is made durable behind the last rename, as its own are."""
    flushed: list[Path] = []
    flush = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with StagedFiles(LOCAL) as files:
        for name in ("a", "b"):
            files.write(tmp_path / "results" / "2.25.1" / name, memoryview(b"some"))
    folders = [path for path in flushed if path.is_dir()]
    assert sorted(folders) == [tmp_path, tmp_path / "results", tmp_path / "results" / "2.25.1"]
