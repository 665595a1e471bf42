"""The single lesions of a reading, as a page lists them."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.answer.measurement import Measurement


@dataclass(frozen=True, slots=True)
class ListedLesion:
    """One lesion.

    Attributes
    ----------
    number : its own in this study, counted from 1, the largest first
    place : where it is, in a word or two
    measurements : the same concepts for every lesion of a reading, in one order
    sureness : mean probability of its voxels, 0 to 1; None where the bundle does not say
    """

    number: int
    place: str
    measurements: tuple[Measurement, ...]
    sureness: float | None = None
