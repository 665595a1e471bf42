"""CT series for tests, written with pydicom alone.

Deliberately not the phantom's writer: what both it and the decoder got wrong, these would show.
The objects hold what decoding needs and no more; they are not valid IODs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
)

from radiology.identity import derived_uid
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances

Change = Callable[[Dataset, int], None]

AXIAL = np.array([[0.0, 0.0, 0.7], [0.0, 0.7, 0.0], [2.0, 0.0, 0.0]])
"""Steps (mm, LPS) of slice, row and column index, as columns: 2 mm slices to the head."""


@dataclass(frozen=True)
class Stack:
    """Slices to write.

    Attributes
    ----------
    stored : int16 or uint16, shape (slices, rows, columns)
    steps : 3 x 3, mm, LPS: where one step of slice, row and column index leads
    origin : mm, LPS, of the first voxel
    slope, intercept : of every slice, or one per slice
    change : called with each data set and its index before it is written
    """

    stored: NDArray[Any]
    steps: NDArray[np.float64] = field(default_factory=lambda: AXIAL)
    origin: tuple[float, float, float] = (-10.0, -20.0, -30.0)
    slope: float | Sequence[float] = 1.0
    intercept: float | Sequence[float] = -1024.0
    transfer_syntax_uid: str = ExplicitVRLittleEndian
    change: Change = lambda dataset, index: None
    series: str = "1"

    def of_slice(self, values: float | Sequence[float], index: int) -> float:
        """A value given once or per slice."""
        return float(values) if isinstance(values, int | float) else float(values[index])


def ramp(shape: tuple[int, int, int] = (6, 5, 4), dtype: Any = np.uint16) -> NDArray[Any]:
    """Stored values of which no two are alike."""
    values: NDArray[Any] = np.arange(np.prod(shape)).reshape(shape).astype(dtype) + dtype(7)
    return values


def single_frame(stack: Stack) -> list[Dataset]:
    """One CT image per slice."""
    return [_single(stack, index) for index in range(len(stack.stored))]


def _empty(stack: Stack, sop_class_uid: str, name: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = derived_uid("test", stack.series, name)
    dataset.StudyInstanceUID = "2.25.1"
    dataset.SeriesInstanceUID = f"2.25.1.{stack.series}"
    dataset.FrameOfReferenceUID = "2.25.2"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = stack.transfer_syntax_uid  # type: ignore[assignment]
    return dataset


def _single(stack: Stack, index: int) -> Dataset:
    dataset = _empty(stack, CTImageStorage, str(index))
    dataset.InstanceNumber = 1  # the same in all: it must not matter
    dataset.ImagePositionPatient = _text(np.array(stack.origin) + stack.steps[:, 0] * index)
    dataset.ImageOrientationPatient = _text(_orientation(stack))
    dataset.PixelSpacing = _text(_spacing(stack))
    dataset.SliceThickness = "2"
    dataset.RescaleSlope = str(stack.of_slice(stack.slope, index))
    dataset.RescaleIntercept = str(stack.of_slice(stack.intercept, index))
    _add_pixels(dataset, stack.stored[index], stack)
    stack.change(dataset, index)
    _compress(dataset, stack)
    return dataset


def multi_frame(stack: Stack, order: Sequence[int] | None = None) -> Dataset:
    """One Enhanced CT image.

    Parameters
    ----------
    order : which slice each frame holds; that of the slices when not given
    """
    order = order if order is not None else range(len(stack.stored))
    dataset = _empty(stack, EnhancedCTImageStorage, "enhanced")
    shared = Dataset()
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing = _text(_spacing(stack))
    shared.PixelMeasuresSequence[0].SliceThickness = "2"
    shared.PlaneOrientationSequence = [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = _text(_orientation(stack))
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [_groups(stack, index) for index in order]
    dataset.NumberOfFrames = len(order)
    _add_pixels(dataset, stack.stored[list(order)], stack)
    stack.change(dataset, 0)
    _compress(dataset, stack)
    return dataset


def _groups(stack: Stack, index: int) -> Dataset:
    groups = Dataset()
    groups.PlanePositionSequence = [Dataset()]
    position = np.array(stack.origin) + stack.steps[:, 0] * index
    groups.PlanePositionSequence[0].ImagePositionPatient = _text(position)
    groups.PixelValueTransformationSequence = [Dataset()]
    transformation = groups.PixelValueTransformationSequence[0]
    transformation.RescaleSlope = str(stack.of_slice(stack.slope, index))
    transformation.RescaleIntercept = str(stack.of_slice(stack.intercept, index))
    return groups


def _spacing(stack: Stack) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(stack.steps[:, 1:], axis=0)
    return lengths


def _orientation(stack: Stack) -> NDArray[np.float64]:
    """Direction of a row (column index grows), then of a column (PS3.3 C.7.6.2.1.1)."""
    row, column = stack.steps[:, 2], stack.steps[:, 1]
    return np.concatenate([row / np.linalg.norm(row), column / np.linalg.norm(column)])


def _text(values: Iterable[float]) -> list[str]:
    return [f"{value:.10f}"[:16] for value in values]


def _add_pixels(dataset: Dataset, stored: NDArray[Any], stack: Stack) -> None:
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * stored.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    big = stack.transfer_syntax_uid == ExplicitVRBigEndian
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder(">" if big else "<")).tobytes()
    dataset["PixelData"].VR = "OW"


def _compress(dataset: Dataset, stack: Stack) -> None:
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(syntax, generate_instance_uid=False)


def write_files(datasets: Iterable[Dataset], folder: Path, *, seed: int = 0) -> list[Path]:
    """Write data sets under names, and return them in an order, that say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset in datasets:
        paths.append(folder / f"{dataset.SOPInstanceUID}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    random.Random(seed).shuffle(paths)
    return paths


def read_one_series(paths: Sequence[Path]) -> tuple[SeriesHeader, dict[str, Path]]:
    """The header of the only series, and the file of each instance."""
    found = read_instances(paths)
    (series,) = group_series(found)
    return series, {one.instance.sop_instance_uid: one.path for one in found}


def decode_files(paths: Sequence[Path]) -> Volume:
    """Read and decode files of one series."""
    return decode_volume(*read_one_series(paths))
