"""Reads a slice of a site, an 8-bit picture or a CT instance, and its outlines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pydicom.dataset import Dataset

from chest.grey_levels import grey_to_hounsfield
from radiology.errors import SettingsRefused, VolumeRefused
from worker.series.decode_volume import stored_values_to_hounsfield
from worker.series.frame_headers import number, numbers, text
from worker.series.pixels.frame_pixels import padding_range, read_pixels, stored_frames

Mask = NDArray[np.uint8]
Kind = TypeVar("Kind", bound=np.generic)

_EIGHT_BIT = {"1", "L", "LA", "P", "RGB", "RGBA", "YCbCr"}
_PICTURES = {".png", ".jpg", ".jpeg"}
_ALONG = 0.95  # cosine; a slice that is tilted by more than 18° is not axial


@dataclass(frozen=True)
class Picture:
    """A slice as a reader sees it: rows to the back, columns to the patient's left.

    Attributes
    ----------
    hu : float32, shape (rows, columns), HU or an estimate of it
    spacing_mm : between rows and between columns; ones where it is not known
    true_hu : whether `hu` was stored, not estimated
    patient : what the instance names; empty for a picture
    digest : sha256 of the pixels
    flips : axes that were turned to make it upright
    """

    hu: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    true_hu: bool
    patient: str
    digest: str
    flips: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, as stored and upright alike."""
        return self.hu.shape[0], self.hu.shape[1]

    def upright(self, drawn: NDArray[Kind]) -> NDArray[Kind]:
        """Turn what was drawn on the stored slice as the slice itself was turned."""
        return np.ascontiguousarray(np.flip(drawn, self.flips))


def read_picture(path: Path) -> Picture:
    """Read a slice.

    Raises
    ------
    SettingsRefused, VolumeRefused
        It cannot be read, or is no axial slice whose pixels are attenuation. The message leaves
        it to the caller to name the file.
    """
    return _read_grey(path) if path.suffix.lower() in _PICTURES else _read_instance(path)


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise SettingsRefused("it cannot be read as a picture; is it damaged?") from error


def _read_grey(path: Path) -> Picture:
    image = _open(path)
    if image.mode not in _EIGHT_BIT:
        raise SettingsRefused("it has more than 8 bits, whose window nobody stated; give the DICOM")
    grey = np.asarray(image.convert("L"), dtype=np.uint8)
    return Picture(grey_to_hounsfield(grey), (1.0, 1.0), False, "", _digest(grey))


def _digest(pixels: NDArray[Any]) -> str:
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def read_levels(path: Path) -> Mask:
    """Read a mask as the numbers that are stored: of a picture with a palette, its indices.

    Raises
    ------
    SettingsRefused
        It cannot be read, or is not grey.
    """
    image = _open(path)
    if image.mode == "P":
        return np.asarray(image, dtype=np.uint8)
    if image.mode == "1":
        return np.asarray(image.convert("L"), dtype=np.uint8)
    if image.mode in ("RGB", "RGBA"):
        colours = np.asarray(image.convert("RGB"), dtype=np.uint8)
        if (colours == colours[..., :1]).all():
            return np.ascontiguousarray(colours[..., 0])
    if image.mode != "L":
        raise SettingsRefused(f"it is a picture of mode {image.mode}, not an 8-bit grey mask")
    return np.asarray(image, dtype=np.uint8)


def _flips(dataset: Dataset) -> tuple[int, ...]:
    """Axes to turn, so that rows run to the back and columns to the patient's left.

    PS3.3 C.7.6.2.1.1: the direction cosines of the first row, then of the first column, in LPS.
    """
    cosines = numbers(dataset, "ImageOrientationPatient")
    if len(cosines) != 6 or abs(cosines[0]) < _ALONG or abs(cosines[4]) < _ALONG:
        raise VolumeRefused("the instance is not an axial slice")
    return tuple(axis for axis, cosine in ((0, cosines[4]), (1, cosines[0])) if cosine < 0)


def _read_instance(path: Path) -> Picture:
    dataset = read_pixels(path)
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    if slope is None or intercept is None or text(dataset, "Modality") != "CT":
        raise VolumeRefused("the instance is no single CT slice in Hounsfield units")
    flips = _flips(dataset)
    spacing = numbers(dataset, "PixelSpacing")
    ((_, stored),) = stored_frames(dataset, [None])
    hu = stored_values_to_hounsfield(
        stored,
        rescale_slope=slope,
        rescale_intercept=intercept,
        padding=padding_range(dataset, stored.dtype),
    )
    return Picture(
        hu=np.ascontiguousarray(np.flip(hu, flips)),
        spacing_mm=(spacing[0], spacing[1]) if len(spacing) == 2 else (1.0, 1.0),
        true_hu=True,
        patient=text(dataset, "PatientID"),
        digest=_digest(stored),
        flips=flips,
    )
