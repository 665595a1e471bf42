"""The stored answer of a slice of a chest in words: what the page says of an upload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chest.values.case_answer import PneumoniaType
from models.schema_2.sign import Sign
from radiology.answer.slice_in_words import HintedType, NamedProbability, SliceInWords

_AREAS = {
    "lung": "Lung",
    "lesion": "Lesion",
    "ground_glass": "Ground glass",
    "consolidation": "Consolidation",
}


def slice_in_words(answer: Mapping[str, Any]) -> SliceInWords:
    """Tell a slice by its stored answer, which `chest.slices.tell_slice` made."""
    if not answer.get("assessable"):
        return SliceInWords(assessable=False, reason=str(answer.get("reason") or ""))
    viral, in_mm2 = answer.get("viral"), answer.get("area_mm2") or {}
    return SliceInWords(
        assessable=True,
        found=(f"Lesions cover {answer['lesion_share_percent']:.1f} % of the lung in this slice",),
        areas=tuple(
            (title, answer["area_pixels"][name], in_mm2.get(name))
            for name, title in _AREAS.items()
            if name in answer["area_pixels"]
        ),
        hint=_hint(viral) if viral else None,
        signs=tuple(
            NamedProbability(Sign(sign["sign"]).words, sign["probability"], sign["present"])
            for sign in answer.get("signs") or ()
        ),
    )


def _hint(viral: Mapping[str, Any]) -> HintedType:
    words = PneumoniaType(viral["type"]).words
    return HintedType(words, viral["probability"], viral["low"], viral["high"])
