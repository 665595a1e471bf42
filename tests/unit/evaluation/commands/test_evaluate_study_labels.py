"""Labels of studies find the folder of their patient, and say what is wrong when they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from firstread.evaluate.study_labels import find_patients, read_study_labels
from radiology.errors import SettingsRefused


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _instance(folder: Path, patient_id: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.PatientID = patient_id
    dataset.save_as(folder / "1.dcm", enforce_file_format=True)
    return folder


def test_one_patient_or_several_are_read(tmp_path: Path) -> None:
    entry = {
        "patient": "P1",
        "n_slices": 3,
        "infected_slice": [0, 1, 0],
        "lobes": {"RUL": [0, 1, 0], "LLL": [0, 0, 0]},
    }
    other = {"patient": "P2", "infected_slice": [0, 0]}
    (alone,) = read_study_labels(_write(tmp_path / "one.json", entry))
    assert alone.lobes == {"RUL": True, "LLL": False}
    assert alone.infected
    one, two = read_study_labels(_write(tmp_path / "two.json", [entry, other]))
    assert one.slices is not None
    assert one.slices.tolist() == [False, True, False]
    assert (two.infected, dict(two.lobes)) == (False, {})
    (bare,) = read_study_labels(_write(tmp_path / "bare.json", {"patient": 7}))
    assert (bare.patient, bare.slices, bare.infected) == ("7", None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no patient"),
        ([{"patient": "A"}, {"patient": "A"}], "or one twice"),
        ({"infected_slice": [1]}, "an entry has no patient"),
        ({"patient": "A", "infected_slice": [2]}, "a label of A is not 0 or 1"),
        ({"patient": "A", "infected_slice": [1], "n_slices": 2}, "n_slices 2 and 1 labels"),
        ({"patient": "A", "lobes": {"XXL": [0]}}, "lobes of A are not all among"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(SettingsRefused, match=message):
        read_study_labels(_write(tmp_path / "labels.json", content))


def test_labels_that_are_no_json_are_named(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("patient")
    with pytest.raises(SettingsRefused, match="is not JSON"):
        read_study_labels(tmp_path / "labels.json")
    with pytest.raises(SettingsRefused, match=r"absent\.json cannot be read"):
        read_study_labels(tmp_path / "absent.json")


def test_the_folder_may_be_the_patients_own(tmp_path: Path) -> None:
    folder = _instance(tmp_path / "covid-P001")
    assert find_patients(folder, ["P001"])["P001"].folder == folder


def test_names_and_patient_ids_lead_to_folders(tmp_path: Path) -> None:
    """By whole name, by a word of it, by a part of it, and at last by Patient ID."""
    expected = {
        "P001": _instance(tmp_path / "covid-P001"),
        "P0011": _instance(tmp_path / "covid-P0011"),
        "normal002": _instance(tmp_path / "normal-002"),
        "cap7": _instance(tmp_path / "xcap-7y"),
        "Z9": _instance(tmp_path / "somebody", patient_id="Z9"),
    }
    _instance(tmp_path / "nobody-asked")
    found = find_patients(tmp_path, list(expected))
    assert {patient: one.folder for patient, one in found.items()} == expected


def test_a_longer_number_is_another_patient(tmp_path: Path) -> None:
    _instance(tmp_path / "covid-P012")
    with pytest.raises(SettingsRefused, match="belongs to the patient P01 of the labels"):
        find_patients(tmp_path, ["P01"])


def test_what_is_ambiguous_is_not_guessed(tmp_path: Path) -> None:
    _instance(tmp_path / "a-P1")
    _instance(tmp_path / "b-P1")
    with pytest.raises(SettingsRefused, match="More than one folder fits the patient P1"):
        find_patients(tmp_path, ["P1"])
    with pytest.raises(SettingsRefused, match="There is no folder"):
        find_patients(tmp_path / "absent", ["P1"])
    with pytest.raises(SettingsRefused, match="fits more than one patient"):
        find_patients(_instance(tmp_path / "P1-P2"), ["P1", "P2"])
