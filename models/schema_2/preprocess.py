"""From a volume in HU to what the network is fed, and back to the volume's grid.

Each axial slice is put on a square of the network's size: the longer side in mm fills it, the
shorter is centred, so anatomy keeps its proportions whatever the matrix and pixel spacing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.schema_2.networks import InputGrid
from models.side_by_side import side_by_side
from radiology.image.volume import Volume

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
Indices = NDArray[np.int64]
Sample = TypeVar("Sample", np.uint8, np.float32)


Window = tuple[slice, slice]
"""Rows and columns of a slice."""


def _reached(places: Indices, size: int, small: int) -> slice:
    """What pixels of a small axis reach when it is stretched: they, and one on either side."""
    first = int((int(places[0]) - 1) * size / small) - 1
    last = int((int(places[-1]) + 2) * size / small) + 2
    return slice(max(first, 0), min(last, size))


@dataclass(frozen=True)
class SquareFit:
    """Where a slice lies on the network's square.

    Attributes
    ----------
    rows, columns : of the slice
    size : of the square
    height, width : of the slice on the square
    top, left : first row and column that it covers there
    """

    rows: int
    columns: int
    size: int
    height: int
    width: int
    top: int
    left: int

    @classmethod
    def of(cls, shape: tuple[int, int], spacing_mm: tuple[float, float], size: int) -> SquareFit:
        """Fit slices of `shape` (rows, columns) and `spacing_mm` (row, column) on a square."""
        tall, wide = shape[0] * spacing_mm[0], shape[1] * spacing_mm[1]
        longer = max(tall, wide)
        height = max(1, round(size * tall / longer))
        width = max(1, round(size * wide / longer))
        return cls(
            rows=shape[0],
            columns=shape[1],
            size=size,
            height=height,
            width=width,
            top=(size - height) // 2,
            left=(size - width) // 2,
        )

    def to_square(self, slice_hu: FloatArray, outside_hu: float) -> FloatArray:
        """Resample one slice onto the square; when it shrinks, neighbours are averaged."""
        small = Image.fromarray(slice_hu).resize(
            (self.width, self.height), Image.Resampling.BILINEAR
        )
        square = np.full((self.size, self.size), outside_hu, dtype=np.float32)
        square[self.top : self.top + self.height, self.left : self.left + self.width] = np.asarray(
            small
        )
        return square

    def from_square(self, square: NDArray[Sample]) -> NDArray[Sample]:
        """Resample one map on the square back to the slice's rows and columns, linearly."""
        part = square[self.top : self.top + self.height, self.left : self.left + self.width]
        back = Image.fromarray(np.ascontiguousarray(part)).resize(
            (self.columns, self.rows), Image.Resampling.BILINEAR
        )
        return np.asarray(back)

    def around(self, mask: NDArray[np.bool_]) -> Window | None:
        """The part of the slice that a mask on the square reaches when it is resampled.

        None for a mask without a pixel on the slice.
        """
        part = mask[self.top : self.top + self.height, self.left : self.left + self.width]
        rows, columns = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            return None
        return (
            _reached(rows, self.rows, self.height),
            _reached(columns, self.columns, self.width),
        )

    def from_square_within(self, square: NDArray[Sample], window: Window) -> NDArray[Sample]:
        """What `from_square` gives there, without the rest of the slice.

        The same to the last bit for 512 x 512 pixels; where the scale is no power of two, Pillow
        rounds its weights otherwise, by two of 255 at most in noise.
        """
        rows, columns = window
        down, across = self.height / self.rows, self.width / self.columns
        first = max(int(rows.start * down) - 2, 0)
        last = min(int(rows.stop * down) + 3, self.height)
        part = Image.fromarray(
            np.ascontiguousarray(
                square[self.top + first : self.top + last, self.left : self.left + self.width]
            )
        )
        wide, tall = columns.stop - columns.start, rows.stop - rows.start
        # Rows before columns, as for a whole slice: of a wide part Pillow takes columns first,
        # and rounds otherwise.
        box = (columns.start * across, 0, columns.stop * across, part.height)
        stretched = part.resize((wide, part.height), Image.Resampling.BILINEAR, box=box)
        box = (0, rows.start * down - first, wide, rows.stop * down - first)
        return np.asarray(stretched.resize((wide, tall), Image.Resampling.BILINEAR, box=box))

    @property
    def covered(self) -> tuple[tuple[Indices, Indices], tuple[Indices, Indices]]:
        """Of rows, then of columns: which of the slice is nearest to each that is covered."""
        rows, columns = np.arange(self.height), np.arange(self.width)
        return (
            (((rows + 0.5) * self.rows / self.height).astype(np.int64), rows + self.top),
            (((columns + 0.5) * self.columns / self.width).astype(np.int64), columns + self.left),
        )

    @property
    def pixel_scale(self) -> tuple[float, float]:
        """Rows and columns of the slice that one pixel of the square stands for."""
        return self.rows / self.height, self.columns / self.width


def fit_of(volume: Volume, grid: InputGrid) -> SquareFit:
    """How the slices of a canonical volume lie on the network's square."""
    _, rows, columns = volume.shape
    _, row_mm, column_mm = volume.spacing_mm
    return SquareFit.of((rows, columns), (row_mm, column_mm), grid.size)


def to_patch(slice_hu: FloatArray, fit: SquareFit, grid: InputGrid) -> FloatArray:
    """Make the network's input of one slice.

    Parameters
    ----------
    slice_hu : float32, shape (rows, columns), HU; rows to the back, columns to the patient's left
    fit : of slices of this shape

    Returns
    -------
    float32, shape (size, size), 0…1
    """
    low, high = grid.window_low_hu, grid.window_high_hu
    # Clip before averaging: −2000 padding and metal must not bleed into their neighbours.
    clipped = np.ascontiguousarray(np.clip(slice_hu, low, high), dtype=np.float32)
    patch = fit.to_square(clipped, low)
    patch -= low
    patch /= high - low
    return patch


def to_patches(volume: Volume, fit: SquareFit, grid: InputGrid) -> FloatArray:
    """Make the network's input.

    Parameters
    ----------
    volume : canonical: slices to the head, rows to the back, columns to the patient's left
    fit : of this volume, from `fit_of`

    Returns
    -------
    float32, shape (slices, 1, size, size), 0…1
    """
    patches = np.empty((volume.shape[0], 1, fit.size, fit.size), dtype=np.float32)

    def fill(index: int) -> None:
        patches[index, 0] = to_patch(volume.hounsfield[index], fit, grid)

    side_by_side(fill, len(patches))
    return patches
