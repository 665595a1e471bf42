"""`firstread predict`: every study that a folder, an archive or a DICOMDIR holds has its answer."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydicom import DataElement, dcmread
from rich.console import Console

from firstread.predict.predictions import PredictOptions, predict_paths
from firstread.predict.shown_answers import show_answers
from phantom import Phantom
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from radiology.errors import SettingsRefused
from settings.environment import Settings
from tests.peers.programs import REPOSITORY, require_program

OTHER = "1.2.826.0.1.3680043.9.1"


@pytest.fixture(scope="module")
def settings(bundles: Path) -> Settings:
    return Settings(
        execution_provider=ExecutionProvider.CPU, inference_threads=1, bundles_folder=bundles
    )


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> Path:
    """A medium with a chest, two slices of another study, a note, and a DICOMDIR by dcmtk."""
    folder = tmp_path_factory.mktemp("medium")
    names = []
    for number, path in enumerate(write_phantom_study(phantom, folder / "A"), start=1):
        names.append(f"A/I{number:03d}")
        path.rename(folder / names[-1])
    (folder / "B").mkdir()
    for number in (1, 2):
        header = dcmread(folder / f"A/I{number:03d}")
        header.StudyInstanceUID, header.StudyID = OTHER, "2"
        header.SeriesInstanceUID, header.SOPInstanceUID = f"{OTHER}.1", f"{OTHER}.1.{number}"
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
        names.append(f"B/I{number:03d}")
        header.save_as(folder / names[-1])
    program = require_program("dcmmkdir", package="dcmtk")
    command = [program, "+I", "+id", folder, "+D", folder / "DICOMDIR", *names]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (folder / "README.TXT").write_text("no image")
    return folder


def _predict(settings: Settings, *paths: Path, **options: Any) -> list[dict[str, Any]]:
    found, complete = predict_paths(paths, PredictOptions(**options), settings)
    assert complete == all("error" not in one for one in found["predictions"])
    return list(found["predictions"])


def _zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target


def _check_both(found: list[dict[str, Any]], medium: Path, path: Path) -> None:
    """The chest is read; the other study is refused with its reason."""
    chest = str(dcmread(medium / "A" / "I001").StudyInstanceUID)
    by_study = {one["study_instance_uid"]: one for one in found}
    assert set(by_study) == {chest, OTHER}
    assert {one["path"] for one in found} == {str(path)}
    assert {one["kind"] for one in found} == {"study"}
    assert by_study[chest]["answer"]["slices"] == 36
    refused = by_study[OTHER]["error"]
    assert refused["kind"] == "NoSuitableSeries"
    assert refused["reasons"] == ["There are too few slices (2 slices)"]


def test_a_folder_of_two_studies_gives_two_answers(settings: Settings, medium: Path) -> None:
    found = _predict(settings, medium)
    _check_both(found, medium, medium)
    assert {one["left_out_files"] for one in found} == {1}  # the note; a DICOMDIR is none


def test_a_zip_archive_is_unpacked(settings: Settings, medium: Path, tmp_path: Path) -> None:
    archive = _zipped(medium, tmp_path / "export.zip")
    _check_both(_predict(settings, archive), medium, archive)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.zip"]


def test_a_dicomdir_names_its_studies(settings: Settings, medium: Path) -> None:
    _check_both(_predict(settings, medium / "DICOMDIR"), medium, medium / "DICOMDIR")


def test_a_medium_that_is_shown_in_lower_case_is_read(
    settings: Settings, medium: Path, tmp_path: Path
) -> None:
    """As Linux mounts some CDs: the names in the DICOMDIR are upper case."""
    for path in medium.rglob("*"):
        if path.is_file():
            target = tmp_path / "cd" / str(path.relative_to(medium)).lower()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    directory = tmp_path / "cd" / "dicomdir"
    _check_both(_predict(settings, directory), medium, directory)


def test_files_that_a_dicomdir_names_and_that_are_not_there_are_missed(
    settings: Settings, medium: Path, tmp_path: Path
) -> None:
    """A chest without its last slices would be measured as a whole one; the other is as it was."""
    shutil.copytree(medium, tmp_path / "cd")
    for number in (34, 35, 36):
        (tmp_path / "cd" / "A" / f"I{number:03d}").unlink()
    found = {
        one["study_instance_uid"]: one["error"]
        for one in _predict(settings, tmp_path / "cd" / "DICOMDIR")
    }
    chest = str(dcmread(medium / "A" / "I001").StudyInstanceUID)
    assert "3 of the 36 files" in found[chest]["message"]
    assert found[OTHER]["kind"] == "NoSuitableSeries"


def test_a_dicomdir_does_not_lead_outside(settings: Settings, medium: Path, tmp_path: Path) -> None:
    directory = dcmread(medium / "DICOMDIR")
    for record in directory.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.add(DataElement("ReferencedFileID", "LO", ["..", "I001"]))
    directory.save_as(tmp_path / "DICOMDIR")
    (found,) = _predict(settings, tmp_path / "DICOMDIR")
    assert "outside its folder" in found["error"]["message"]


def test_from_the_shell_every_study_is_said_and_one_without_an_answer_counts(
    medium: Path, bundles: Path, tmp_path: Path
) -> None:
    """One JSON object, two entries, numbered pictures, a line for each study, exit status 2."""
    command = [
        sys.executable, "-m", "firstread", "predict", medium, "--bundles", bundles,
        "--picture", tmp_path / "read.png", "--json",
    ]  # fmt: skip
    answer = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert answer.returncode == 2
    found = json.loads(answer.stdout)["predictions"]
    _check_both(found, medium, medium)
    assert [one["picture"] for one in found if "answer" in one] == [str(tmp_path / "read-1.png")]
    said = [line for line in answer.stderr.splitlines() if line.startswith(str(medium))]
    assert len(said) == 2
    assert f"{OTHER}: NoSuitableSeries: No series of the study can be analysed" in answer.stderr
    assert "There are too few slices (2 slices)" in answer.stderr
    assert "1 files beside it are no DICOM instances" in answer.stderr


def test_a_terminal_shows_a_table(settings: Settings, medium: Path) -> None:
    """One row for each study, with what came out."""
    written = io.StringIO()
    found = _predict(settings, medium)
    show_answers(found, Console(file=written, force_terminal=True, width=400, color_system=None))
    rows = [line for line in written.getvalue().splitlines() if str(medium) in line]
    assert len(rows) == 2
    assert any(OTHER in row and "There are too few slices" in row for row in rows)
    assert any("study read" in row for row in rows)


def test_what_is_known_of_one_patient_is_not_for_two_studies(
    settings: Settings, medium: Path, tmp_path: Path
) -> None:
    (tmp_path / "values.json").write_text('{"spo2_percent": 91, "on_oxygen": false}')
    with pytest.raises(SettingsRefused, match="not to the 2 studies of"):
        _predict(settings, medium, clinical=tmp_path / "values.json")


def test_a_data_set_without_preamble_is_called_that(
    settings: Settings, medium: Path, tmp_path: Path
) -> None:
    """Not "no picture", not "no DICOM": it says what is lacking."""
    bare = tmp_path / "bare" / "image"
    bare.parent.mkdir()
    bare.write_bytes((medium / "A" / "I001").read_bytes()[132:])
    for path in (bare, bare.parent):
        (found,) = _predict(settings, path)
        assert "without the preamble that a DICOM file begins with" in found["error"]["message"]


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_uid_that_a_c_store_is_refused_for_is_refused_here_too(
    settings: Settings, medium: Path, tmp_path: Path
) -> None:
    """A part of it begins with 0 (PS3.5 Section 9.1): in a study and in a single slice."""
    shutil.copytree(medium / "A", tmp_path / "study")
    image = tmp_path / "study" / "I005"
    uid = str(dcmread(image).SOPInstanceUID).encode()
    image.write_bytes(image.read_bytes().replace(uid, uid[:-3] + b".02"))
    for path in (tmp_path / "study", tmp_path / "study" / "I005"):
        (found,) = _predict(settings, path)
        assert found["error"]["kind"] == "InvalidUid"
        assert found["error"]["message"].endswith("a part of it begins with 0")


def test_a_ct_image_of_a_hundred_frames_is_refused_with_the_reason(
    settings: Settings, phantom: Phantom, tmp_path: Path
) -> None:
    """It is neither a slice nor a study whose places are known."""
    path = write_phantom_study(phantom, tmp_path)[16]
    header = dcmread(path)
    header.NumberOfFrames, header.PixelData = 100, header.PixelData * 100
    header.save_as(path)
    (found,) = _predict(settings, path)
    assert "another number of frames than it describes" in found["error"]["message"]
    assert found["error"]["facts"]["seen"].startswith("Number of Frames is 100")
