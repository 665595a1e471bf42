"""Gives a lesion the same name in every study of the patient.

A lesion of the patient's course (`chest.values.chest_map.MappedLesion`) is whatever touches, of
either class; a lesion with a segment of its own has one class. So a lesion of the course may be
several segments, each with a name that follows from that of the course.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from chest.registration.map_chest import number_connected
from chest.values.chest_map import MappedLesion
from chest.values.reading import ChestReading
from chest.values.regions import LesionLabel
from models.measure.lesions import NumberedLesions, number_lesions
from radiology.answer.tracking import Tracking
from radiology.identity import derived_uid
from radiology.region import LabelMap

_NAMES = {
    LesionLabel.GROUND_GLASS: "Ground glass opacity",
    LesionLabel.CONSOLIDATION: "Consolidation",
}
_LETTERS = 4  # of a short name: a million of them, for the dozens of lesions of a patient


def lesion_uid(study_instance_uid: str, number: int, *, algorithm: str) -> str:
    """The tracking UID of a lesion in the study in which it was first seen.

    Parameters
    ----------
    algorithm : name of what found it, whatever its version: two that read one study find two
        first lesions
    number : from 1, the largest connected lesion first
    """
    return derived_uid("lesion", study_instance_uid, algorithm, str(number))


def lesions_by_name(
    reading: ChestReading, study_instance_uid: str
) -> dict[tuple[int, int], Tracking]:
    """`known_lesions` of a reading, with what its course calls them; none without regions."""
    if reading.regions is None:
        return {}
    lesions = reading.regions.lesions
    return known_lesions(
        lesions,
        number_lesions(lesions),
        reading.lesions,
        study_instance_uid=study_instance_uid,
        algorithm=reading.algorithm.name,
    )


def lesion_places(reading: ChestReading) -> dict[int, tuple[float, float, float]]:
    """Where the lesions of the course lie, in mm (LPS), by the number that the page shows."""
    return {one.number: one.place_mm for one in reading.lesions}


def known_lesions(
    lesions: LabelMap,
    told_apart: NumberedLesions,
    course: Sequence[MappedLesion],
    *,
    study_instance_uid: str,
    algorithm: str,
) -> dict[tuple[int, int], Tracking]:
    """The identity of each lesion of one class, by class and rank.

    Parameters
    ----------
    lesions : values of `LesionLabel`
    told_apart : the same lesions, class by class
    course : those of the patient's course in this study; without them, every lesion is new
    algorithm : as in `lesion_uid`

    Returns
    -------
    UID and identifier follow from the tracking UID in the course, the class, and the rank among
    the parts of that class in it: they stay the same however the others grow or shrink.
    """
    if not told_apart.lesions:
        return {}
    names = {one.number: one.tracking_uid for one in course}
    belongs_to = _belongs_to(lesions, told_apart)
    seen: Counter[tuple[int, int]] = Counter()
    known = {}
    for lesion in told_apart.lesions:  # the largest first
        number = belongs_to[lesion.part]
        seen[number, lesion.kind] += 1
        known[lesion.kind, lesion.rank] = _tracking(
            names.get(number) or lesion_uid(study_instance_uid, number, algorithm=algorithm),
            LesionLabel(lesion.kind),
            seen[number, lesion.kind],
        )
    return known


def _belongs_to(lesions: LabelMap, told_apart: NumberedLesions) -> dict[int, int]:
    """Number of the connected lesion, by part."""
    parts = told_apart.parts
    at = np.nonzero(parts)
    numbers = np.zeros(int(parts.max()) + 1, dtype=np.uint16)
    numbers[parts[at]] = number_connected(lesions[told_apart.box])[at]  # a part lies in one lesion
    return dict(enumerate(numbers.tolist()))


def _tracking(of_course: str, kind: LesionLabel, rank: int) -> Tracking:
    digest = hashlib.sha256(of_course.encode()).digest()
    short = base64.b32encode(digest)[:_LETTERS].decode()
    identifier = f"{_NAMES[kind]} {short}"
    return Tracking(
        identifier if rank == 1 else f"{identifier}-{rank}",
        derived_uid("lesion of a class", of_course, kind.name, str(rank)),
    )
