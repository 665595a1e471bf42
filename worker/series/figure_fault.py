"""Says what is wrong with a figure of a header that is there and cannot be read.

PS3.5 Section 6.2 (DS: digits, sign, full stop, E). What stands there is repeated only where it is
made of the characters of numbers: anything may stand in a damaged header.
"""

from __future__ import annotations

import math
import re
from typing import Final

from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset

from radiology.image.series import FigureFault

DECIMAL_COMMA: Final = (
    "A figure of the header is written with a decimal comma, where a full stop is needed"
)
OTHER_REPRESENTATION: Final = (
    "A figure of the header has a value representation of another kind than numbers"
)
OTHER_COUNT: Final = "A figure of the header has more or fewer values than it needs"
NO_NUMBER: Final = "A figure of the header is not a number"

_NUMERIC = frozenset({"DS", "IS", "FD", "FL", "SS", "US", "SL", "UL"})
_OF_NUMBERS = re.compile(r"[0-9+\-., eE\\]{1,100}")
_IS_VR = re.compile(r"[A-Z]{2}")


def figure_fault(dataset: Dataset, keyword: str, values: int) -> FigureFault | None:
    """What is wrong with an element; None where it is absent, empty, or as it should be.

    Parameters
    ----------
    keyword : of an element whose VR is DS
    values : how many it has (PS3.6, value multiplicity)
    """
    if keyword not in dataset:
        return None
    element = dataset.get_item(keyword)
    parts = _parts(element.value)
    if not any(parts):
        return None
    name = dictionary_description(keyword)
    stated = str(element.VR or "DS")  # implicit VR states none
    if stated not in _NUMERIC:
        shown = stated if _IS_VR.fullmatch(stated) else "?"
        return FigureFault(f"{name} ({shown})", OTHER_REPRESENTATION)
    seen = _shown(name, parts)
    if len(parts) != values > 1:  # of more than one where one is asked for, the first is taken
        return FigureFault(seen, OTHER_COUNT)
    if all(_is_number(part) for part in parts):
        return None
    is_comma = all(_is_number(part.replace(",", ".")) for part in parts)
    return FigureFault(seen, DECIMAL_COMMA if is_comma else NO_NUMBER)


def _shown(name: str, parts: list[str]) -> str:
    written = "\\".join(parts)
    return f"{name} {written}" if _OF_NUMBERS.fullmatch(written) else name


def _parts(value: object) -> list[str]:
    if isinstance(value, bytes):
        return [part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")]
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return ["" if value is None else str(value).strip()]
    return [str(part).strip() for part in value]


def _is_number(part: str) -> bool:
    try:
        return math.isfinite(float(part))
    except ValueError:
        return False
