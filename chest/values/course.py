"""The course of a patient's lungs over several CTs, and the studies that it is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from chest.values.change import PriorComparison
from radiology.earlier import NotCompared


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One study of the patient: both lungs together, at one time.

    Attributes
    ----------
    acquired_at : of the images; all points of a course have a time zone, or none has
    """

    study_instance_uid: str
    acquired_at: datetime
    lung_volume_ml: float
    lesion_volume_ml: float
    lesion_share_percent: float
    lesion_mean_hu: float | None

    def facts(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {**asdict(self), "acquired_at": self.acquired_at.isoformat()}


@dataclass(frozen=True)
class Course:
    """This study and the earlier ones of the same patient.

    Attributes
    ----------
    points : in the order of time; this study is the last
    comparisons : place by place, the latest earlier study first
    not_compared : what was found under the patient's ID and not used for `comparisons`
    """

    points: tuple[CoursePoint, ...]
    comparisons: tuple[PriorComparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()

    @property
    def latest(self) -> PriorComparison | None:
        """The comparison with the latest earlier study."""
        return self.comparisons[0] if self.comparisons else None

    def facts(self) -> dict[str, Any]:
        """Everything as plain values for the result row and JSON."""
        return {
            "points": [one.facts() for one in self.points],
            "comparisons": [one.facts() for one in self.comparisons],
            "not_compared": [asdict(one) for one in self.not_compared],
        }


def growth_percent(earlier: CoursePoint, later: CoursePoint) -> float | None:
    """How much more lesion there is, relative to then; None where there was none to grow from."""
    if earlier.lesion_volume_ml <= 0:
        return None
    added = later.lesion_volume_ml - earlier.lesion_volume_ml
    return 100.0 * added / earlier.lesion_volume_ml
