"""Describes the reading of a slice of a chest: as plain values, and for its picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from chest.answer.make import LUNG_WINDOW_HU
from chest.answer.regions import drawn_regions
from chest.case_level import viral_type
from chest.model.chest_model import ChestModel
from chest.slices.read_slice import SliceReading
from chest.values.case_answer import PneumoniaType, SignAnswer
from chest.values.regions import ChestRegions, LesionLabel
from models.readers.slice_reader import SliceRead, SliceVerdict
from radiology.answer.slice_in_words import NamedProbability

_NO_LUNGS = "no lungs were found in the slice"
_VERDICTS = {
    PneumoniaType.VIRAL_SUSPECTED: SliceVerdict.SUSPECTED,
    PneumoniaType.UNDETERMINED: SliceVerdict.UNDETERMINED,
    PneumoniaType.NOT_SUSPECTED: SliceVerdict.NOT_SUSPECTED,
}


def tell_slice(
    reading: SliceReading, model: ChestModel, spacing_mm: tuple[float, float] | None
) -> SliceRead:
    """Tell all that was read.

    Where no lungs were found nothing is said but that: a probability without lung has no meaning.

    Parameters
    ----------
    spacing_mm : between rows and between columns; None for a picture, which does not state it
    """
    signs = _signs(reading, model)
    assessable = bool(reading.lungs.any())
    verdict, headline, details = _headline(reading, model)
    return SliceRead(
        answer={
            "assessable": assessable,
            "reason": None if assessable else _NO_LUNGS,
            **_measured(reading, spacing_mm),
            "viral": _viral(reading, model),
            "signs": [one.facts() for one in signs],
        },
        verdict=verdict,
        headline=headline,
        details=details,
        regions=drawn_regions(ChestRegions(reading.lungs[None], reading.lesions[None])),
        heat=reading.heat,
        lines=tuple(
            # As much as a column has room for.
            NamedProbability(
                sign.sign.words.removeprefix("interlobular "), sign.probability, sign.present
            )
            for sign in signs
        ),
        window_hu=LUNG_WINDOW_HU,
    )


def _headline(reading: SliceReading, model: ChestModel) -> tuple[SliceVerdict, str, str]:
    if not reading.lungs.any():
        return SliceVerdict.NOT_ASSESSABLE, "No answer for this slice", "No lungs were found"
    lesions = f"Lesions cover {reading.lesion_share_percent:.1f} % of the lung"
    found, limits = _type_of(reading, model), model.case.viral
    if found is None or limits is None:
        return SliceVerdict.MEASURED, lesions, "This bundle has no classifier"
    words = "viral pattern undetermined" if found is PneumoniaType.UNDETERMINED else found.words
    between = f"undetermined from {limits.low:.2f} to {limits.high:.2f}"
    details = f"Probability {reading.viral:.2f}, {between}  |  {lesions}"
    return _VERDICTS[found], words.capitalize(), details


def _type_of(reading: SliceReading, model: ChestModel) -> PneumoniaType | None:
    """Whether a slice shows the viral pattern; None without a classifier, and without lungs."""
    if reading.viral is None or model.case.viral is None or not reading.lungs.any():
        return None
    return viral_type(reading.viral, reading.spread, model.case.viral)


def _measured(reading: SliceReading, spacing_mm: tuple[float, float] | None) -> dict[str, Any]:
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
    if spacing_mm is not None:
        pixel_mm2 = spacing_mm[0] * spacing_mm[1]
        measured["area_mm2"] = {name: pixel_mm2 * count for name, count in pixels.items()}
    return measured


def _viral(reading: SliceReading, model: ChestModel) -> dict[str, Any] | None:
    """None for a bundle without a classifier, and for a slice without lungs."""
    found, limits, threshold = _type_of(reading, model), model.case.viral, model.viral_threshold
    if found is None or reading.viral is None or limits is None:
        return None
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


def _signs(reading: SliceReading, model: ChestModel) -> tuple[SignAnswer, ...]:
    if not reading.lungs.any():
        return ()
    thresholds = model.sign_thresholds
    return tuple(
        SignAnswer(sign, probability, thresholds[sign])
        for sign, probability in reading.signs.items()
    )
