"""Small synthetic chest studies for the tests of `worker.encode`, and their result objects.

A body with two lungs, ground glass in the right one and a consolidation in both, as headers,
voxels and label maps; in any orientation, as CT or Enhanced CT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

from chest.answer.make import answer_of
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from radiology.algorithm import AlgorithmIdentity
from radiology.clinical import ClinicalContext
from radiology.image.volume import SourceFrame, Volume
from radiology.outcome import Outcome, QualityGate
from radiology.region import Mask, mean_hu, slices_involved, volume_ml
from radiology.urgency import Triage, Urgency
from worker.encode import EncodedObject, ResultContext, encode_results, prove_objects
from worker.keep.keep_results import bytes_of

Points = NDArray[np.float64]

WHEN = datetime(2026, 3, 4, 15, 16, 17, tzinfo=timezone(timedelta(hours=1)))
ALGORITHM = AlgorithmIdentity("lungs-and-lesions", "1.0.0", "ab" * 32)

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ORIENTATIONS: dict[str, tuple[float, ...]] = {
    "axial": AXIAL,
    "axial, patient prone": (-1, 0, 0, 0, -1, 0),
    "axial, rows to the front": (1, 0, 0, 0, -1, 0),
    "coronal": (1, 0, 0, 0, 0, -1),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "sagittal, from the left": (0, -1, 0, 0, 0, -1),
    "oblique": (0.9659258, 0.0, -0.258819, 0.1336, 0.8556, 0.5),
}
KINDS = ("positive", "negative", "not assessable")

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
ENHANCED = pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])


@dataclass(frozen=True)
class Chest:
    """Where a synthetic study's voxels lie, and how fine they are."""

    orientation: Sequence[float] = AXIAL
    spacing_mm: tuple[float, float, float] = (10.0, 6.0, 5.0)
    shape: tuple[int, int, int] = (14, 61, 67)
    enhanced: bool = False

    @property
    def affine(self) -> NDArray[np.float64]:
        """(slice, row, column) to LPS, the middle of the grid at the origin."""
        along_row, along_column = np.array(self.orientation, float).reshape(2, 3)
        along_row /= np.linalg.norm(along_row)
        along_column -= along_row * (along_row @ along_column)
        along_column /= np.linalg.norm(along_column)
        axes = np.stack([np.cross(along_row, along_column), along_column, along_row], axis=1)
        affine = np.eye(4)
        affine[:3, :3] = axes * self.spacing_mm
        affine[:3, 3] = -affine[:3, :3] @ (np.array(self.shape) - 1) / 2
        return affine

    @property
    def places_mm(self) -> Points:
        """Patient coordinates of every voxel, shape (slices, rows, columns, 3)."""
        indices = np.moveaxis(np.indices(self.shape), 0, -1).astype(float)
        places: Points = indices @ self.affine[:3, :3].T + self.affine[:3, 3]
        return places


def ball(places: Points, centre: Sequence[float], radii: Sequence[float]) -> Mask:
    """Voxels inside an ellipsoid of the patient."""
    inside: Mask = (((places - np.array(centre)) / np.array(radii)) ** 2).sum(axis=-1) <= 1
    return inside


def regions_of(chest: Chest) -> ChestRegions:
    """Two lungs, ground glass on the right, consolidation inside it and on the left."""
    places = chest.places_mm
    right, left = (ball(places, (x, 0, 0), (42, 60, 60)) for x in (-60, 60))
    lungs = right * np.uint8(LungLabel.RIGHT) + left * np.uint8(LungLabel.LEFT)
    lesions = np.zeros(chest.shape, np.uint8)
    lesions[ball(places, (-60, 15, -15), (26, 34, 30))] = LesionLabel.GROUND_GLASS
    lesions[ball(places, (-55, 20, -15), (11, 15, 16))] = LesionLabel.CONSOLIDATION
    lesions[ball(places, (65, 25, 15), (14, 16, 17))] = LesionLabel.CONSOLIDATION
    return ChestRegions(lungs=lungs.astype(np.uint8), lesions=lesions * (lungs > 0))


def hounsfield_of(chest: Chest, regions: ChestRegions) -> NDArray[np.float32]:
    """Air, body, lung, lesions."""
    voxels = np.full(chest.shape, -1000, np.float32)
    voxels[ball(chest.places_mm, (0, 0, 0), (140, 100, 900))] = 40
    voxels[regions.lungs > 0] = -850
    voxels[regions.lesions == LesionLabel.GROUND_GLASS] = -550
    voxels[regions.lesions == LesionLabel.CONSOLIDATION] = -10
    return voxels


def headers_of(chest: Chest) -> tuple[list[Dataset], tuple[SourceFrame, ...]]:
    """The instances of the study without pixels, and the frames in the order of the slices."""
    places = chest.affine[:3, 3] + np.outer(np.arange(chest.shape[0]), chest.affine[:3, 0])
    positions = [[float(f"{value:.6f}") for value in place] for place in places]
    if chest.enhanced:
        return [_enhanced_header(chest, positions)], tuple(
            SourceFrame("1.2.3.4.100", number)
            for number in range(chest.shape[0], 0, -1)  # stored from last slice to first
        )
    headers = [_ct_header(chest, index, position) for index, position in enumerate(positions)]
    return headers, tuple(SourceFrame(str(header.SOPInstanceUID)) for header in headers)


def _common_header(chest: Chest) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName = "Süß^Jürgen"
    header.PatientID = "P-17"
    header.IssuerOfPatientID = "HOSPITAL"
    header.PatientBirthDate = "19600102"
    header.PatientSex = "M"
    header.PatientAge = "066Y"
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    header.FrameOfReferenceUID, header.PositionReferenceIndicator = "1.2.3.3", ""
    header.StudyDate, header.StudyTime, header.StudyID = "20260304", "150000", "S1"
    header.AccessionNumber, header.StudyDescription = "A-1", "Thorax nativ"
    header.ReferringPhysicianName = "Müller^Anna"
    header.Modality, header.SeriesNumber = "CT", 4
    header.Manufacturer, header.ManufacturerModelName = "ACME", "Scanner 9"
    header.Rows, header.Columns = chest.shape[1:]
    return header


def _ct_header(chest: Chest, index: int, position: list[float]) -> Dataset:
    header = _common_header(chest)
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, f"1.2.3.4.{index + 1}"
    header.InstanceNumber = chest.shape[0] - index
    header.ImagePositionPatient = position
    header.ImageOrientationPatient = _cosines(chest)
    header.PixelSpacing = list(chest.spacing_mm[1:])
    header.SliceThickness = ""
    return header


def _cosines(chest: Chest) -> list[float]:
    axes = chest.affine[:3, :3] / np.array(chest.spacing_mm)
    return [float(f"{value:.9f}") for value in (*axes[:, 2], *axes[:, 1])]


def _enhanced_header(chest: Chest, positions: list[list[float]]) -> Dataset:
    header = _common_header(chest)
    header.SOPClassUID, header.SOPInstanceUID = EnhancedCTImageStorage, "1.2.3.4.100"
    header.NumberOfFrames = len(positions)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = _cosines(chest)
    measures.PixelSpacing, measures.SliceThickness = list(chest.spacing_mm[1:]), 10
    shared.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for position in reversed(positions):
        frame, plane = Dataset(), Dataset()
        plane.ImagePositionPatient = position
        frame.PlanePositionSequence = [plane]
        frame.PlaneOrientationSequence = [orientation]  # allowed per frame, and not only there
        frames.append(frame)
    header.PerFrameFunctionalGroupsSequence = frames
    return header


def figures_of(volume: Volume, regions: ChestRegions) -> dict[Side, LungFigures]:
    """What is measured on the label maps."""
    return {
        side: _figures(side, volume, regions, lung)
        for side, lung in (
            (Side.RIGHT, regions.lungs == LungLabel.RIGHT),
            (Side.LEFT, regions.lungs == LungLabel.LEFT),
            (Side.TOTAL, regions.lungs > 0),
        )
    }


def _figures(side: Side, volume: Volume, regions: ChestRegions, lung: Mask) -> LungFigures:
    lesion = lung & (regions.lesions > 0)
    by_label = {
        label: volume_ml(lung & (regions.lesions == label), volume) for label in LesionLabel
    }
    return LungFigures(
        side=side,
        lung_volume_ml=volume_ml(lung, volume),
        lesion_volume_ml=volume_ml(lesion, volume),
        ground_glass_ml=by_label[LesionLabel.GROUND_GLASS],
        consolidation_ml=by_label[LesionLabel.CONSOLIDATION],
        lesion_mean_hu=mean_hu(lesion, volume),
        slices_involved=slices_involved(lesion),
    )


@dataclass(frozen=True, kw_only=True)
class ChestContext(ResultContext):
    """A context with the chest that its reading tells of; `with_chest` changes both."""

    chest: ChestReading
    clinical: ClinicalContext = field(default_factory=ClinicalContext)

    @property
    def regions(self) -> ChestRegions:
        """What was segmented."""
        assert self.chest.regions is not None
        return self.chest.regions


def with_chest(context: ChestContext, **changed: Any) -> ChestContext:
    """The context of a chest in which some fields are others; its reading tells of them."""
    return remade(context, chest=replace(context.chest, **changed))


def remade(context: ChestContext, **changed: Any) -> ChestContext:
    """The context with other chest, volume, triage or clinical values, and a reading of them."""
    names = ("chest", "volume", "triage", "clinical")
    made_of = [changed.get(name, getattr(context, name)) for name in names]
    return replace(context, reading=answer_of(*made_of), **changed)


def result_context(kind: str = "positive", chest: Chest | None = None) -> ChestContext:
    """A reading of a synthetic study: "positive", "negative" or "not assessable"."""
    chest = chest or Chest()
    regions = regions_of(chest)
    voxels = hounsfield_of(chest, regions)
    if kind != "positive":
        regions = replace(regions, lesions=np.zeros_like(regions.lesions))
    headers, frames = headers_of(chest)
    volume = Volume(hounsfield=voxels, affine=chest.affine, frames=frames)
    told, triage = _reading(kind, volume, regions), _TRIAGES[kind]
    return ChestContext(
        headers=headers,
        volume=volume,
        reading=answer_of(told, volume, triage, ClinicalContext()),
        triage=triage,
        content_datetime=WHEN,
        software_version="0.1.0",
        chest=told,
    )


_TRIAGES = {
    "positive": Triage(Urgency.URGENT, "suspected, and lesions in 25 % or more of the worse lung"),
    "negative": Triage(Urgency.ROUTINE, "suspicion below its threshold"),
    "not assessable": None,
}


def _reading(kind: str, volume: Volume, regions: ChestRegions) -> ChestReading:
    failed = kind == "not assessable"
    gates = (
        QualityGate("lungs found", True, "2 lungs", "2 lungs"),
        QualityGate(
            "slices without a gap",
            not failed,
            "1 gap of 20 mm" if failed else "no gap",
            "no gap",
            "A slice is missing in the middle of the lungs" if failed else "",
        ),
    )
    lesion_areas = np.count_nonzero(regions.lesions, axis=(1, 2))
    lung_areas = np.count_nonzero(regions.lungs, axis=(1, 2))
    return ChestReading(
        outcome={
            "positive": Outcome.FINDINGS,
            "negative": Outcome.NO_FINDINGS,
            "not assessable": Outcome.NOT_ASSESSABLE,
        }[kind],
        algorithm=ALGORITHM,
        suspicion={"positive": 0.934, "negative": 0.031, "not assessable": None}[kind],
        suspicion_threshold=0.5,
        figures=figures_of(volume, regions),
        gates=gates,
        key_slice=int(np.argmax(lesion_areas if kind == "positive" else lung_areas)),
        regions=regions,
    )


@cache
def encoded(kind: str = "positive", enhanced: bool = False) -> dict[str, Dataset]:
    """The result objects of a synthetic study by kind, for tests that only look at them."""
    context = result_context(kind, Chest(enhanced=enhanced))
    return {str(one.kind): one.dataset for one in encode_results(context)}


def written(dataset: Dataset) -> bytes:
    """The object as the bytes of a file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def prove(context: ResultContext, made: Sequence[EncodedObject]) -> None:
    """Prove objects against the headers of their source, written to files as they were received."""
    with TemporaryDirectory() as folder:
        originals = original_files(context.headers, Path(folder))
        prove_objects(context, made, [bytes_of(one) for one in made], originals)


def original_files(headers: Sequence[Dataset], folder: Path) -> list[Path]:
    """Headers as the files that a node would keep of them."""
    files = []
    for number, header in enumerate(headers):
        files.append(folder / f"{number}.dcm")
        original = FileDataset(files[-1], header, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
        original.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        original.save_as(files[-1], enforce_file_format=True)
    return files


def reread(dataset: Dataset) -> Dataset:
    """The object as it is read back from a file."""
    return dcmread(BytesIO(written(dataset)))
