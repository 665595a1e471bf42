"""One slice from one file: an 8-bit picture of unknown window, or a CT instance with one frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.readers.slice_reader import GreySlice, HounsfieldSlice
from radiology.errors import GeometryMissing, NoSuitableSeries, PictureRefused
from radiology.image.series import FrameHeader
from radiology.image.volume import FloatArray, Volume
from worker.predict.panels import is_figure
from worker.predict.read_picture import read_grey
from worker.series.candidate import Candidate, SelectionLimits
from worker.series.decode_volume import decode_frame
from worker.series.read_series import ReadInstance
from worker.series.rules import REFUSALS

_LEAST_SIDE = 32  # pixels; of a smaller picture nobody could say what it shows (ours)
_LEAST_NORMAL = 0.9  # length of the product of two directions that are nearly perpendicular
_FOR_ONE_SLICE = frozenset(
    {"modality", "sop_class", "localizer", "screen", "colour", "body_part", "frames"}
    | {"concatenation", "geometry", "hounsfield", "transfer_syntax"}
)
"""The rules of the series selection that a single slice must pass too; the others ask how many
slices there are and how they lie to each other."""


def slice_of_picture(path: Path) -> GreySlice:
    """Open a PNG, JPEG or similar; the window of its grey levels is not known.

    Raises
    ------
    PictureRefused
        It cannot be read, is too small to be a CT slice, or is a figure of several pictures.
    """
    grey = read_grey(path)
    if min(grey.shape) < _LEAST_SIDE:
        rows, columns = grey.shape
        raise PictureRefused(f"{path} has {rows} × {columns} pixels, too few for a CT slice")
    if is_figure(grey):
        raise PictureRefused(
            f"{path} shows several pictures side by side, not one CT slice; give each by itself"
        )
    return GreySlice(grey)


def slice_of_instance(found: ReadInstance) -> HounsfieldSlice:
    """Decode a single-frame CT instance and turn it upright.

    Raises
    ------
    NoSuitableSeries, GeometryMissing
        It is no axial CT image of the part of the body that is read; carries what was seen and
        what is needed.
    RescaleMissing, PixelDataUndecodable
        Its pixels do not become Hounsfield units.
    """
    _check(found)
    (frame,) = found.instance.frames
    volume, order = _placed(frame, decode_frame(found.path, frame)).canonical()
    if order.permutation[0] != 0:
        raise NoSuitableSeries("The instance is not an axial slice")
    return HounsfieldSlice(volume)


def _check(found: ReadInstance) -> None:
    candidate = Candidate.of(replace(found.series, instances=(found.instance,)))
    for refusal in REFUSALS:
        if refusal.name not in _FOR_ONE_SLICE:
            continue
        verdict = refusal.judge(candidate, SelectionLimits())
        if verdict is not None:
            raise NoSuitableSeries(
                f"The instance cannot be analysed: {verdict.reason}",
                seen=verdict.seen,
                needed=verdict.limit,
            )


def _placed(frame: FrameHeader, hounsfield: FloatArray) -> Volume:
    """PS3.3 C.7.6.2.1.1: where the pixels of one slice lie; the slice itself is 1 mm thick."""
    cosines, spacing = frame.image_orientation_patient, frame.pixel_spacing
    if cosines is None or spacing is None or frame.image_position_patient is None:
        raise GeometryMissing()
    along_row, along_column = np.array(cosines[:3]), np.array(cosines[3:])
    normal = np.cross(along_row, along_column)
    if np.linalg.norm(normal) < _LEAST_NORMAL:
        raise GeometryMissing("The orientation of the slice is not two directions")
    affine = np.eye(4)
    affine[:3, 0] = normal
    affine[:3, 1] = along_column * spacing[0]
    affine[:3, 2] = along_row * spacing[1]
    affine[:3, 3] = frame.image_position_patient
    return Volume(hounsfield[None], affine)
