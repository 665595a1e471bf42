"""The chosen slices of one judged study, written into a set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from chest.values.case_answer import PneumoniaType
from database.feedback.export import JudgedStudy
from database.feedback.given import JudgedResult
from firstread.feedback_set.anonymised_slice import anonymised_slice
from firstread.feedback_set.choose_slices import choose_slices
from firstread.feedback_set.outlines import Mask, read_outlines
from firstread.feedback_set.pseudonyms import Pseudonyms
from firstread.feedback_set.truth import Truth, truth_of
from radiology.errors import VolumeRefused
from radiology.image.series import FrameHeader, InstanceHeader
from radiology.image.volume import SourceFrame
from radiology.outcome import Outcome
from settings.environment import Settings
from storage.kept_files import kept_files
from worker.series.pixels.frame_pixels import read_pixels
from worker.series.read_series import read_series

READY, TO_DRAW = Path(), Path("to-draw")
"""Folders within the set: of slices that can be trained on, and of those to be drawn first."""


@dataclass(frozen=True, slots=True)
class WrittenSlice:
    """One slice of the set, for `labels.csv` and the manifest."""

    file: str
    case: str
    covid: str
    to_draw: bool


@dataclass(frozen=True, slots=True)
class SiteOfStudies:
    """Where everything lies, and what names are given."""

    settings: Settings
    pseudonyms: Pseudonyms
    folder: Path


def write_study(
    site: SiteOfStudies, judged: JudgedResult, study: JudgedStudy, *, slices: int
) -> list[WrittenSlice]:
    """Write images and masks.

    Parameters
    ----------
    slices : at most so many

    Raises
    ------
    Refused
        The images are gone, cannot be read, or are no axial CT slices.
    """
    files, spool = kept_files(site.settings), site.settings.spool_folder
    paths = files.fetch_all(spool / path for path in study.instance_paths)
    if not paths or not all(path.is_file() for path in paths):
        raise VolumeRefused("the images are not kept any more")
    truth = truth_of(judged.urgency, judged.faults, _type(study))
    outlines: dict[SourceFrame, Mask] = {}
    if study.segmentation_path is not None:
        place = site.settings.results_folder / study.segmentation_path
        outlines = read_outlines(files.fetch(place))
    elif truth.outlined and not truth.to_draw and judged.outcome is Outcome.FINDINGS:
        raise VolumeRefused("no outlines are kept of it")
    places = _in_order(paths)
    outlined = [_frame(instance, frame) in outlines for _, instance, frame in places]
    making = _Making(site, judged, study, truth)
    # All are made before one is written: of a study that is left out no slice stays behind.
    made = [
        making.make(path, frame, index, outlines.get(_frame(instance, frame)))
        for index in choose_slices(outlined, slices)
        for path, instance, frame in [places[index]]
    ]
    return [making.write(*one) for one in made]


class _Making:
    """The slices of one study."""

    def __init__(
        self, site: SiteOfStudies, judged: JudgedResult, study: JudgedStudy, truth: Truth
    ) -> None:
        self._pseudonyms, self._truth = site.pseudonyms, truth
        uid = judged.study_instance_uid
        self._case = site.pseudonyms.case(study.patient_id, uid)
        self._word = site.pseudonyms.study(uid)
        self._part = site.folder / (TO_DRAW if truth.to_draw else READY)

    def make(
        self, path: Path, frame: FrameHeader, index: int, drawn: Mask | None
    ) -> tuple[str, Dataset, Mask]:
        """Name, instance and mask of one slice."""
        image = anonymised_slice(read_pixels(path), frame, self._case, index, self._pseudonyms)
        mask = drawn if drawn is not None and self._truth.outlined else None
        if mask is None:
            mask = np.zeros((image.Rows, image.Columns), np.uint8)
        if mask.shape != (image.Rows, image.Columns):
            raise VolumeRefused("its outlines have another size than its images")
        return f"{self._case}-{self._word}-{index:04}", image, mask

    def write(self, name: str, image: Dataset, mask: Mask) -> WrittenSlice:
        """Write image and mask; what was drawn wrongly is a draft."""
        truth = self._truth
        masks = self._part / ("drafts" if truth.to_draw else "masks")
        (self._part / "images").mkdir(parents=True, exist_ok=True)
        masks.mkdir(exist_ok=True)
        image.save_as(self._part / "images" / f"{name}.dcm", enforce_file_format=True)
        Image.fromarray(mask).save(masks / f"{name}.png")
        # A slice without lesions of a patient with some says nothing of their kind.
        unsaid = truth.covid == "1" and not mask.any()
        return WrittenSlice(f"{name}.dcm", self._case, "" if unsaid else truth.covid, truth.to_draw)


def _in_order(paths: list[Path]) -> list[tuple[Path, InstanceHeader, FrameHeader]]:
    """Every frame with its file, from one end of the chest to the other."""
    by_file = [
        (path, instance, frame)
        for path in paths
        for series in read_series([path])
        for instance, frame in series.frames
    ]
    if any(
        frame.image_position_patient is None or frame.image_orientation_patient is None
        for _, _, frame in by_file
    ):
        raise VolumeRefused("an image does not say where it lies")
    return sorted(by_file, key=lambda one: (_height(one[2]), one[1].sop_instance_uid))


def _height(frame: FrameHeader) -> float:
    """Along the normal of the slice (PS3.3 C.7.6.2.1.1)."""
    assert frame.image_orientation_patient is not None
    assert frame.image_position_patient is not None
    cosines = frame.image_orientation_patient
    normal = np.cross(cosines[:3], cosines[3:])
    return float(np.dot(normal, frame.image_position_patient))


def _frame(instance: InstanceHeader, frame: FrameHeader) -> SourceFrame:
    return SourceFrame(instance.sop_instance_uid, frame.frame_number)


def _type(study: JudgedStudy) -> PneumoniaType | None:
    return PneumoniaType(study.label) if study.label else None
