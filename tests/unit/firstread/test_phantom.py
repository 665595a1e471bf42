"""`firstread phantom`: a study in a folder, under whatever name a trial needs."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner, Result

from firstread.__main__ import app
from firstread.phantom import make_kind as module
from firstread.phantom.kind import PhantomKind
from firstread.phantom.make_kind import make_kind
from phantom import phantom_grid

_SMALL = (12, 24, 28), (26.0, 14.0, 12.5)  # slices, rows, columns; mm


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each phantom few voxels: what is written of them is the same."""
    monkeypatch.setattr(module, "_SHAPE", _SMALL[0])
    monkeypatch.setattr(module, "_SPACING_MM", _SMALL[1])


def _phantom(*words: str) -> Result:
    return CliRunner().invoke(app, ["phantom", *words])


def _read(folder: Path) -> list[pydicom.FileDataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def test_a_study_of_a_patient_and_an_order(tmp_path: Path) -> None:
    """Every instance names them; what is said names the study."""
    folder = tmp_path / "new" / "study"
    done = _phantom(str(folder), "--patient-id", "TEST-7", "--accession", "A4711")
    assert done.exit_code == 0, done.output
    images = _read(folder)
    assert len(images) == _SMALL[0][0]
    assert {(one.PatientID, one.AccessionNumber) for one in images} == {("TEST-7", "A4711")}
    (uid,) = {one.StudyInstanceUID for one in images}
    assert f"{len(images)} instances of study {uid}" in done.stdout
    assert "Making a diseased phantom" in done.stderr


def test_another_patient_is_another_study(tmp_path: Path) -> None:
    """Two patients in one study are refused by Firstread; the same options are the same study."""
    options = [[], [], ["--patient-id", "A"], ["--patient-id", "B"], ["--accession", "A"]]
    uids = []
    for number, words in enumerate(options):
        assert _phantom(str(tmp_path / str(number)), *words).exit_code == 0
        uids.append(_read(tmp_path / str(number))[0].StudyInstanceUID)
    assert uids[0] == uids[1]
    assert len(set(uids)) == 4


def test_the_kinds_differ_in_what_is_ill() -> None:
    """None of a healthy lung, and most of the gravely diseased one."""
    grid = phantom_grid(*_SMALL)
    healthy, diseased, grave = (
        make_kind(kind, grid=grid).specified_lesions for kind in PhantomKind
    )
    assert len(healthy) == 0 < len(diseased)
    assert diseased != grave


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    """Nothing is written among what lies there."""
    (tmp_path / "mine").write_text("")
    done = _phantom(str(tmp_path))
    assert done.exit_code == 2
    assert "not empty" in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
    assert _phantom(str(tmp_path / "mine")).exit_code == 2


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--patient-id", ""),
        ("--patient-id", "A\\B"),
        ("--patient-id", "A" * 65),
        ("--patient-id", "A\nB"),
        ("--accession", "A" * 17),
        ("--accession", " "),
    ],
    ids=["empty", "backslash", "long", "line", "long-accession", "blank-accession"],
)
def test_what_dicom_does_not_allow(tmp_path: Path, option: str, text: str) -> None:
    """PS3.5 Section 6.2: said before anything is made."""
    done = _phantom(str(tmp_path / "new"), option, text)
    assert done.exit_code == 2
    assert f"{option}: a" in " ".join(done.output.split())
    assert not (tmp_path / "new").exists()
