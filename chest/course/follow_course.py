"""Adds a reading to the patient's course: compares it with the latest earlier study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chest.answer.stored_table import lungs_in
from chest.course.compare_prior import MappedStudy, compare_registered
from chest.course.known_lesions import lesion_uid
from chest.course.map_file import read_chest_map
from chest.registration import EarlierChest, register
from chest.registration.map_chest import map_chest
from chest.values.change import LesionChange, PriorComparison
from chest.values.chest_map import ChestMap, MappedLesion
from chest.values.course import Course, CoursePoint
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from models.readers.study_reader import EarlierStudy
from radiology.clinical import LesionMeasurement
from radiology.earlier import NotCompared
from radiology.image.volume import Volume
from radiology.outcome import Outcome


@dataclass(frozen=True)
class FollowedReading:
    """A reading in the patient's course.

    Attributes
    ----------
    reading : with its lesions and its course
    chest : the map by which a later study will be compared with this one; None for a reading that
        is not assessable, because its measurements are unreliable
    earlier : the chest that it was compared with place by place
    """

    reading: ChestReading
    chest: ChestMap | None = None
    earlier: EarlierChest | None = None


def follow_course(
    reading: ChestReading,
    volume: Volume,
    *,
    earlier: Sequence[EarlierStudy],
    not_compared: Sequence[NotCompared],
    study_instance_uid: str,
) -> FollowedReading:
    """Say what changed since the latest earlier study, and how lesions are called from now on.

    An earlier study whose map cannot be read is passed over, and named with the reason.

    Parameters
    ----------
    earlier : the latest first
    not_compared : what else was found under the patient's ID

    Returns
    -------
    A reading that is not assessable stays as it is.
    """
    if reading.outcome is Outcome.NOT_ASSESSABLE or reading.regions is None:
        return FollowedReading(reading)
    chest = map_chest(
        volume,
        reading.regions,
        reading.divided,
        tracking_uid=lambda number: lesion_uid(
            study_instance_uid, number, algorithm=reading.algorithm.name
        ),
    )
    if chest is None:
        return FollowedReading(reading)
    measured, unmeasured = _measured(earlier)
    comparison, then, unreadable = _compare_latest(
        MappedStudy(study_instance_uid, reading.acquired_at, chest), [one for one, _ in measured]
    )
    if comparison is not None:
        chest = replace(chest, lesions=inherit(chest.lesions, comparison.lesions))
    course = Course(
        points=_points(reading, [point for _, point in measured], study_instance_uid),
        comparisons=() if comparison is None else (comparison,),
        not_compared=(*not_compared, *unmeasured, *unreadable),
    )
    return FollowedReading(replace(reading, lesions=chest.lesions, course=course), chest, then)


def latest_measurement(earlier: Sequence[EarlierStudy]) -> LesionMeasurement | None:
    """What the latest earlier study showed, as the severity rules ask for it."""
    measured, _ = _measured(earlier)
    if not measured:
        return None
    _, point = measured[0]
    return LesionMeasurement(point.acquired_at, point.lesion_volume_ml, point.lesion_share_percent)


def _measured(
    earlier: Sequence[EarlierStudy],
) -> tuple[list[tuple[EarlierStudy, CoursePoint]], list[NotCompared]]:
    """Earlier studies with their figures, and those of which none were kept."""
    found, without = [], []
    for candidate in earlier:
        point = _point(candidate)
        if point is None:
            without.append(NotCompared(candidate.study_instance_uid, "no figures were kept"))
        else:
            found.append((candidate, point))
    return found, without


def _point(study: EarlierStudy) -> CoursePoint | None:
    total = lungs_in(study.reading.table).get(Side.TOTAL)
    return None if total is None else _at(study.study_instance_uid, study.acquired_at, total)


def _at(study_instance_uid: str, acquired_at: datetime, total: LungFigures) -> CoursePoint:
    return CoursePoint(
        study_instance_uid=study_instance_uid,
        acquired_at=acquired_at,
        lung_volume_ml=total.lung_volume_ml,
        lesion_volume_ml=total.lesion_volume_ml,
        lesion_share_percent=total.lesion_share_percent,
        lesion_mean_hu=total.lesion_mean_hu,
    )


def _compare_latest(
    this: MappedStudy, studies: Sequence[EarlierStudy]
) -> tuple[PriorComparison | None, EarlierChest | None, list[NotCompared]]:
    """Compare with the latest earlier study whose map can be read."""
    unreadable: list[NotCompared] = []
    for study in studies:
        chest = read_chest_map(study.kept)
        uid = study.study_instance_uid
        if chest is not None and chest.lung_share.any():
            earlier = MappedStudy(uid, study.acquired_at, chest)
            registration = register(chest, this.chest)
            comparison = compare_registered(earlier, this, registration)
            sufficient = registration.quality.sufficient
            return comparison, EarlierChest(chest, registration) if sufficient else None, unreadable
        unreadable.append(NotCompared(uid, "what was kept of it cannot be read"))
    return None, None, unreadable


def inherit(
    lesions: Sequence[MappedLesion], changes: Sequence[LesionChange]
) -> tuple[MappedLesion, ...]:
    """Lesions under the names that they had before.

    Of several that one lesion came apart into, the largest keeps its name.
    """
    names = {
        change.now_numbers[0]: change.tracking_uid
        for change in changes
        if change.now_numbers and change.then_numbers
    }
    return tuple(
        replace(lesion, tracking_uid=names.get(lesion.number, lesion.tracking_uid))
        for lesion in lesions
    )


def _points(
    reading: ChestReading, earlier: Sequence[CoursePoint], study_instance_uid: str
) -> tuple[CoursePoint, ...]:
    if reading.acquired_at is None:
        return ()
    now = _at(study_instance_uid, reading.acquired_at, reading.figures[Side.TOTAL])
    return (*reversed(earlier), now)
