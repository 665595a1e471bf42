"""Predicts a single slice for `firstread predict`: its answer as JSON, and its picture."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image

from models.readers.slice_reader import GreySlice, SliceRead, SliceReader, SliceToRead
from radiology.image.grey_window import window_to_hounsfield
from radiology.image.volume import Volume
from worker.predict.slice_picture import render_slice_picture

_UPRIGHT = np.eye(4)[[2, 1, 0, 3]]  # slices to the head, rows to the back, columns to the left


def predict_slice(
    given: SliceToRead, reader: SliceReader, *, picture: bool
) -> tuple[dict[str, Any], Image.Image | None]:
    """Read one slice.

    Returns
    -------
    The answer as plain values, and the picture if it is wanted.
    """
    read = reader.read_slice(given)
    answer = dict(read.answer)
    if not picture:
        return answer, None
    drawn = render_slice_picture(
        _shown(given, read), read, reader.bundle.algorithm, software_version=version("firstread")
    )
    return answer, drawn


def _shown(given: SliceToRead, read: SliceRead) -> Volume:
    """The picture of the slice, as a volume of a single slice.

    A picture gets HU that the window of its reading turns back into its grey levels.
    """
    if not isinstance(given, GreySlice):
        return given.volume
    centre, width = read.window_hu
    shown = window_to_hounsfield(given.levels, centre - width / 2, centre + width / 2)
    return Volume(shown[None], _UPRIGHT)
