"""`firstread predict` on a single slice: its answer as JSON, and its picture."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image

from chest.read_slice import SliceReader, SliceReading
from chest.values.case_answer import SignAnswer
from chest.values.regions import LesionLabel
from models.bundle import Bundle
from worker.predict.read_slice_file import SliceFile
from worker.predict.slice_picture import render_slice_picture, slice_type

_NO_LUNGS = "no lungs were found in the slice"


def predict_slice(
    given: SliceFile, reader: SliceReader, *, picture: bool
) -> tuple[dict[str, Any], Image.Image | None]:
    """Read one slice.

    Returns
    -------
    The answer as plain values, and the picture if it is wanted. Where no lungs are found nothing
    is said but that: a probability of what is no lung would mean nothing.
    """
    reading = given.read(reader)
    signs = _signs(reading, reader.bundle)
    answer = {
        "assessable": bool(reading.lungs.any()),
        "reason": None if reading.lungs.any() else _NO_LUNGS,
        **_measured(reading, given),
        "viral": _viral(reading, reader.bundle),
        "signs": [one.facts() for one in signs],
    }
    if not picture:
        return answer, None
    drawn = render_slice_picture(
        given.shown, reading, signs, reader.bundle, software_version=version("firstread")
    )
    return answer, drawn


def _measured(reading: SliceReading, given: SliceFile) -> dict[str, Any]:
    """Areas in pixels of the slice; in mm² too where it is known how large a pixel is."""
    pixels = {
        "lung": int(np.count_nonzero(reading.lungs)),
        "lesion": int(np.count_nonzero(reading.lesions)),
        **{
            label.name.lower(): int(np.count_nonzero(reading.lesions == label))
            for label in LesionLabel
            if label
        },
    }
    measured: dict[str, Any] = {
        "rows": reading.lungs.shape[0],
        "columns": reading.lungs.shape[1],
        "lesion_share_percent": reading.lesion_share_percent,
        "area_pixels": pixels,
        "area_mm2": None,
    }
    if given.spacing_mm is not None:
        pixel_mm2 = given.spacing_mm[0] * given.spacing_mm[1]
        measured["area_mm2"] = {name: pixel_mm2 * count for name, count in pixels.items()}
    return measured


def _viral(reading: SliceReading, bundle: Bundle) -> dict[str, Any] | None:
    """None for a bundle without a classifier, and for a slice without lungs."""
    found, limits, declared = slice_type(reading, bundle), bundle.case.viral, bundle.classification
    if found is None or reading.viral is None or limits is None or declared is None:
        return None
    threshold = declared.viral_threshold
    return {
        "type": found.value,
        "probability": reading.viral,
        "spread": reading.spread,
        "low": limits.low,
        "high": limits.high,
        "greatest_spread": limits.greatest_spread,
        "threshold": threshold,
        "suspected": reading.viral >= threshold,
    }


def _signs(reading: SliceReading, bundle: Bundle) -> tuple[SignAnswer, ...]:
    if bundle.classification is None or not reading.lungs.any():
        return ()
    thresholds = bundle.classification.sign_thresholds
    return tuple(
        SignAnswer(sign, probability, thresholds[sign])
        for sign, probability in reading.signs.items()
    )
