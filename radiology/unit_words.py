"""A coded unit as a person reads it: the one place that knows.

Objects and messages carry the UCUM code itself; pages, pictures, summaries and the command line
show what stands here. The Unified Code for Units of Measure writes exponents as digits ("mm3"),
what is counted in braces ("{slices}"), and units that are not metric in brackets ("[hnsf'U]").
"""

from __future__ import annotations

import re
from typing import Final

from radiology.codes import Code

_WORDS: Final = {
    "1": "",
    "[hnsf'U]": "HU",
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "deg": "°",
    "um": "µm",
    "um2": "µm²",
    "10*3": "10³",
    "10*6": "10⁶",
    "10*9": "10⁹",
}
_ANNOTATION: Final = re.compile(r"\{([^{}]*)\}")
_EXPONENT: Final = re.compile(r"(?<=[A-Za-z])-?\d+")
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def unit_words(unit: Code) -> str:
    """A unit as a person reads it: "HU", "mm³", "slices"; empty for a number without one."""
    code = unit.value
    if unit.scheme != "UCUM":
        return code
    if code in _WORDS:
        return _WORDS[code]
    parts = [_WORDS.get(part, _raised(part)) for part in _ANNOTATION.sub(r"\1", code).split("/")]
    return "/".join(parts)


def _raised(part: str) -> str:
    return _EXPONENT.sub(lambda found: found[0].translate(_RAISED), part)
