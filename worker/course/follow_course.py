"""Put a reading into the patient's course: compare it with the latest earlier study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from radiology.chest.change import LesionChange, PriorComparison
from radiology.chest.chest_map import ChestMap, MappedLesion
from radiology.chest.course import Course, CoursePoint, NotCompared
from radiology.chest.figures import Side
from radiology.chest.reading import ChestReading
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from worker.course.compare_prior import MappedStudy, compare_registered
from worker.course.find_priors import Prior, Priors
from worker.course.known_lesions import lesion_uid
from worker.keep.keep_chest_map import read_chest_map
from worker.registration import EarlierChest, register
from worker.registration.map_chest import map_chest


@dataclass(frozen=True)
class FollowedReading:
    """A reading in the patient's course.

    Attributes
    ----------
    reading : with its lesions and its course
    chest : the map by which a later study will be compared with this one; None for a reading that
        is not assessable, since what it measured is not to be relied upon
    earlier : the chest that it was compared with place by place
    """

    reading: ChestReading
    chest: ChestMap | None = None
    earlier: EarlierChest | None = None


def follow_course(
    reading: ChestReading, volume: Volume, priors: Priors, *, study_instance_uid: str
) -> FollowedReading:
    """Say what changed since the latest earlier study, and how lesions are called from now on.

    An earlier study whose map cannot be read is passed over, and named with the reason.

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
    comparison, earlier, unreadable = _compare_latest(
        MappedStudy(study_instance_uid, reading.acquired_at, chest), priors.found
    )
    if comparison is not None:
        chest = replace(chest, lesions=inherit(chest.lesions, comparison.lesions))
    course = Course(
        points=_points(reading, priors, study_instance_uid),
        comparisons=() if comparison is None else (comparison,),
        not_compared=(*priors.not_compared, *unreadable),
    )
    return FollowedReading(replace(reading, lesions=chest.lesions, course=course), chest, earlier)


def _compare_latest(
    this: MappedStudy, priors: Sequence[Prior]
) -> tuple[PriorComparison | None, EarlierChest | None, list[NotCompared]]:
    """Compare with the latest earlier study whose map can be read."""
    unreadable: list[NotCompared] = []
    for prior in priors:
        chest = read_chest_map(prior.chest_map)
        uid = prior.point.study_instance_uid
        if chest is not None and chest.lung_share.any():
            earlier = MappedStudy(uid, prior.point.acquired_at, chest)
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
        replace(one, tracking_uid=names.get(one.number, one.tracking_uid)) for one in lesions
    )


def _points(
    reading: ChestReading, priors: Priors, study_instance_uid: str
) -> tuple[CoursePoint, ...]:
    if reading.acquired_at is None:
        return ()
    total = reading.figures[Side.TOTAL]
    now = CoursePoint(
        study_instance_uid=study_instance_uid,
        acquired_at=reading.acquired_at,
        lung_volume_ml=total.lung_volume_ml,
        lesion_volume_ml=total.lesion_volume_ml,
        lesion_share_percent=total.lesion_share_percent,
        lesion_mean_hu=total.lesion_mean_hu,
    )
    return (*(prior.point for prior in reversed(priors.found)), now)
