"""Which series show no chest, by what their headers say.

Bundles of schema 2 do not declare it; `models/schema_2/body_part.py` finds this by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from models.schema_2.body_part import OtherBodyPart
from radiology.image.series import SeriesHeader

_CHEST = re.compile(r"CHEST|THOR|TORAX|LUNG|PULM|HRCT|\b[CT]AP\b|\bC[/_]A[/_]P\b", re.IGNORECASE)

_ELSEWHERE = {
    # our word: how words of a label that name it begin
    "head": ("HEAD", "BRAIN", "SKULL", "KOPF", "SCHAED", "CRAN", "NEUROCRAN", "CEREB", "TETE"),
    "face": ("FACE", "FACIAL", "SINUS", "ORBIT", "JAW", "DENTAL", "MAXILL", "EAR", "IAC"),
    "neck": ("NECK", "CSPINE", "CERVICAL"),
    "abdomen": ("ABD", "LIVER", "LEBER", "KIDNEY", "RENAL", "PANCREAS", "COLON", "UROGRAPHY"),
    "pelvis": ("PELV", "BECKEN", "BLADDER", "PROSTATE", "HIP"),
    "spine": ("SPINE", "TSPINE", "LSPINE", "LUMBAR", "SACRUM"),
    "limb": ("KNEE", "FOOT", "ANKLE", "HAND", "WRIST", "ELBOW", "ARM", "LEG", "FEMUR", "SHOULDER"),
}

_ELSEWHERE_IN_FREE_TEXT = {
    # Only what nobody writes about a chest: "arms up", "head first", "early phase" must pass.
    # A head that gets through costs little, since no lungs are found in it
    "head": ("BRAIN", "SKULL", "KOPF", "SCHAED", "CRAN", "NEUROCRAN", "CEREB"),
    "abdomen": ("ABD",),
    "pelvis": ("PELV", "BECKEN"),
    "spine": ("LUMBAR", "LSPINE", "CSPINE"),
}

_REGION_CODES = {
    # PS3.16 Annex L: Code Value (SCT, and SRT of old) of whole regions without lungs
    "69536005": "head",
    "T-D1100": "head",
    "12738006": "head",
    "T-A0100": "head",
    "45048000": "neck",
    "T-D1600": "neck",
    "113345001": "abdomen",
    "818983003": "abdomen",
    "T-D4000": "abdomen",
    "12921003": "pelvis",
    "816092008": "pelvis",
    "T-D6000": "pelvis",
    "421060004": "spine",
    "T-11500": "spine",
}


def no_chest(series: SeriesHeader) -> OtherBodyPart | None:
    """The body part that the header names, if it is one without lungs; otherwise None.

    The header is trusted only as far as it goes: any mention of the chest outweighs the rest
    (one label often stands for an examination of several parts), and no label is no reason.
    The free text of the header is never returned, only a word from the table.
    """
    part = _body_part_elsewhere(series)
    if part is None:
        return None
    return OtherBodyPart(part, "chest or not stated", "The series shows no chest")


def _body_part_elsewhere(series: SeriesHeader) -> str | None:
    free_text = f"{series.protocol_name} {series.series_description}"
    if _CHEST.search(series.body_part_examined) or _CHEST.search(free_text):
        return None
    if found := _REGION_CODES.get(series.anatomic_region):
        return found
    if series.body_part_examined:
        return _named(series.body_part_examined, _ELSEWHERE)
    return _named(free_text, _ELSEWHERE_IN_FREE_TEXT)


def _named(label: str, table: Mapping[str, tuple[str, ...]]) -> str | None:
    words = re.findall(r"[A-Z]+", label.upper())
    for part, beginnings in table.items():
        if any(word.startswith(beginnings) for word in words):
            return part
    return None
