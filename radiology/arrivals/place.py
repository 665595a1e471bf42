"""What an image says of its place in its series, as an encoded data set states it.

PS3.3 C.7.6.1.1 (Instance Number), C.7.6.2.1.1 (Image Position and Orientation), PS3.4 Table C.3-4
(Number of Series Related Instances); PS3.5 Section 6.2 (DS and IS).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import hypot, isfinite
from typing import Final

_LARGEST: Final = 2**31 - 1  # of an integer string
_MOST_MM: Final = 1e6  # of a coordinate: what is farther away is no patient
_SHORTEST_NORMAL: Final = 0.5  # of two unit vectors at a right angle it is 1


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Number, position along the normal of the plane, and the claimed length of the series.

    Each is None where it is not stated or cannot be read: then it decides nothing.
    """

    number: int | None = None
    position_mm: float | None = None
    claimed: int | None = None


NO_PLACE: Final = ImagePlace()


def image_place(number: str, position: str, orientation: str, claimed: str) -> ImagePlace:
    """Read the values of four elements; an empty text is one that is not there.

    Parameters
    ----------
    number : Instance Number, IS
    position : Image Position (Patient), DS, three values in mm
    orientation : Image Orientation (Patient), DS, six values
    claimed : Number of Series Related Instances, IS
    """
    return ImagePlace(
        number=_integer(number),
        position_mm=_along(_normal_of(orientation), _decimals(position, 3)),
        claimed=_integer(claimed),
    )


def _integer(text: str) -> int | None:
    digits = text.strip()
    if len(digits) > 12 or not digits.lstrip("+-").isdecimal() or not digits.isascii():  # IS
        return None
    try:
        value = int(digits)
    except ValueError:  # two signs
        return None
    return value if abs(value) <= _LARGEST else None


def _decimals(text: str, wanted: int) -> tuple[float, ...] | None:
    parts = text.split("\\")
    if len(parts) != wanted:
        return None
    try:
        values = tuple(float(one) for one in parts)
    except ValueError:
        return None
    return values if all(isfinite(one) and abs(one) <= _MOST_MM for one in values) else None


@lru_cache(maxsize=64)  # nearly all images of a series state the same
def _normal_of(orientation: str) -> tuple[float, float, float, float] | None:
    """The normal of a plane, and how long it is."""
    directions = _decimals(orientation, 6)
    if directions is None:
        return None
    a, b, c, d, e, f = directions
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    length = hypot(*normal)
    return None if length < _SHORTEST_NORMAL else (*normal, length)


def _along(
    normal: tuple[float, float, float, float] | None, position: tuple[float, ...] | None
) -> float | None:
    if position is None or normal is None:
        return None
    x, y, z, length = normal
    return sum(one * other for one, other in zip(position, (x, y, z), strict=True)) / length
