"""Phantoms as studies of a size, and sending them as a scanner does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firstread.demo.stage import SCANNER_AE_TITLE, Stage
from firstread.send import send_folder
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS
from phantom.study import write_phantom_study

_LENGTH_MM, _FIELD_MM = 300.0, 358.0


@dataclass(frozen=True, slots=True)
class PhantomStudy:
    """A study on disk; `positive`: with lesions that are urgent."""

    folder: Path
    study_instance_uid: str
    positive: bool


def make_studies(
    folder: Path, positive: Sequence[bool], *, slices: int, side: int
) -> list[PhantomStudy]:
    """Write phantoms of `slices` slices of `side` × `side` pixels, each a study of its own."""
    pixel_mm = _FIELD_MM / side
    grid = phantom_grid((slices, side, side), (_LENGTH_MM / slices, pixel_mm, pixel_mm))
    phantoms: Final = {
        ill: make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS if ill else ())
        for ill in set(positive)
    }
    made = []
    for number, ill in enumerate(positive):
        # A patient for each: nothing is to be compared with the study before
        name = f"SCALE-{number}"
        identity = StudyIdentity.of(phantoms[ill], salt=name, patient_id=name)
        write_phantom_study(phantoms[ill], folder / str(number), identity=identity)
        made.append(PhantomStudy(folder / str(number), identity.uid("study"), ill))
    return made


def send_study(stage: Stage, study: PhantomStudy) -> None:
    """Send one study; it is received when this returns."""
    send_folder(
        study.folder,
        host="127.0.0.1",
        port=stage.settings.dicom_port,
        called_ae_title=stage.settings.ae_title,
        calling_ae_title=SCANNER_AE_TITLE,
    )
