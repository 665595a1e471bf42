"""Labels of studies from JSON, and the folder of DICOM instances that belongs to each patient."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from firstread.find_instances import FoundInstances, find_instances
from radiology.errors import SettingsRefused

LOBES = ("RUL", "RML", "RLL", "LUL", "LLL")
"""The lobes as the labels abbreviate them: right or left; upper, middle or lower."""


@dataclass(frozen=True)
class StudyLabels:
    """What is true of one patient's study.

    Attributes
    ----------
    patient : the key that the labels use; not a name
    slices : shape (slices,), whether a slice shows infection; index 0 is the most superior. None
        when slices are not labelled
    lobes : whether a lobe (as in `LOBES`) shows infection on any slice; empty when lobes are not
        labelled
    """

    patient: str
    slices: NDArray[np.bool_] | None
    lobes: Mapping[str, bool]

    @property
    def infected(self) -> bool | None:
        """Whether anything is infected; None when nothing is labelled."""
        if self.slices is None and not self.lobes:
            return None
        return any(self.lobes.values()) or (self.slices is not None and bool(self.slices.any()))


@dataclass(frozen=True)
class PatientFolder:
    """A folder with the instances of one patient."""

    folder: Path
    found: FoundInstances


def read_study_labels(path: Path) -> tuple[StudyLabels, ...]:
    """Read the labels of one patient (an object) or of several (a list of them).

    Raises
    ------
    SettingsRefused
        The file is missing or is not such a JSON; the message says what is wrong.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsRefused(f"The labels {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsRefused(f"{path} is not JSON") from error
    entries = content if isinstance(content, list) else [content]
    labels = tuple(_study(entry, path) for entry in entries)
    patients = [one.patient for one in labels]
    if not labels or len(set(patients)) < len(patients):
        raise SettingsRefused(f"{path} has no patient, or one twice")
    return labels


def _study(entry: Any, path: Path) -> StudyLabels:
    if not isinstance(entry, dict) or not str(entry.get("patient", "")).strip():
        raise SettingsRefused(f"In {path} an entry has no patient")
    patient = str(entry["patient"]).strip()
    slices = entry.get("infected_slice")
    lobes = entry.get("lobes") or {}
    if not isinstance(lobes, dict) or set(lobes) - set(LOBES):
        raise SettingsRefused(
            f"In {path} the lobes of {patient} are not all among {', '.join(LOBES)}"
        )
    found = None if slices is None else _flags(slices, path, patient)
    stated = entry.get("n_slices")
    if found is not None and stated is not None and stated != found.size:
        raise SettingsRefused(
            f"In {path} {patient} has n_slices {stated} and {found.size} labels of slices"
        )
    return StudyLabels(
        patient,
        found,
        {name: bool(_flags(each, path, patient).any()) for name, each in lobes.items()},
    )


def _flags(values: Any, path: Path, patient: str) -> NDArray[np.bool_]:
    """One label for each slice, or one for all."""
    listed = values if isinstance(values, list) else [values]
    if not listed or any(value not in (0, 1, True, False) for value in listed):
        raise SettingsRefused(f"In {path} a label of {patient} is not 0 or 1")
    return np.array(listed, dtype=bool)


def find_patients(folder: Path, patients: Sequence[str]) -> dict[str, PatientFolder]:
    """Find the folder of each patient.

    `folder` is the folder of the one patient, or holds one folder for each. A folder belongs to
    the patient whose key is its name; otherwise to the one whose key stands in its name (with
    letters next to it only where nothing else fits; "P01" never stands in "P012"); otherwise to
    the one whose key is the Patient ID of its instances. Capitals do not matter, nor do signs
    between letters and figures. Other folders are not looked at.

    Raises
    ------
    SettingsRefused
        A patient has no folder or more than one, or a folder has no instance.
    """
    if not folder.is_dir():
        raise SettingsRefused(f"There is no folder {folder}")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    alone = not inside or any(path.is_file() and _is_dicom(path) for path in folder.iterdir())
    candidates = [folder] if alone else inside
    return {
        patient: PatientFolder(found, find_instances(found))
        for patient, found in _matched(candidates, patients, folder).items()
    }


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(128)  # PS3.10 Section 7.1
        return file.read(4) == b"DICM"


def _matched(candidates: Sequence[Path], patients: Sequence[str], place: Path) -> dict[str, Path]:
    matched = {}
    for patient in patients:
        for fits in (_is_name, _is_word_of_name, _is_part_of_name, _is_patient_id):
            found = [path for path in candidates if fits(patient, path)]
            if len(found) > 1:
                names = ", ".join(path.name for path in found)
                raise SettingsRefused(f"More than one folder fits the patient {patient}: {names}")
            if found:
                matched[patient] = found[0]
                break
        else:
            raise SettingsRefused(
                f"No folder in {place} belongs to the patient {patient} of the labels: none has "
                "it in its name or as Patient ID of its instances"
            )
    twice = [path.name for path in candidates if list(matched.values()).count(path) > 1]
    if twice:
        raise SettingsRefused(f"The folder {twice[0]} fits more than one patient of the labels")
    return matched


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _is_name(patient: str, path: Path) -> bool:
    return _plain(patient) == _plain(path.name)


def _is_word_of_name(patient: str, path: Path) -> bool:
    pattern = rf"(?<![a-z0-9]){re.escape(patient.lower())}(?![a-z0-9])"
    return re.search(pattern, path.name.lower()) is not None


def _is_part_of_name(patient: str, path: Path) -> bool:
    key = _plain(patient)
    # P01 is no part of P012, and 12 none of 112.
    before = r"(?<![0-9])" if key[:1].isdigit() else ""
    after = r"(?![0-9])" if key[-1:].isdigit() else ""
    return bool(key) and re.search(before + key + after, _plain(path.name)) is not None


def _is_patient_id(patient: str, path: Path) -> bool:
    first = next((one for one in sorted(path.rglob("*")) if one.is_file() and _is_dicom(one)), None)
    if first is None:
        return False
    header = dcmread(first, specific_tags=["PatientID"], stop_before_pixels=True)
    return _plain(str(header.get("PatientID", ""))) == _plain(patient)
