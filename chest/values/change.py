"""The changes between an earlier CT of the patient and this CT."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from chest.values.figures import Side
from chest.values.territory import Territory
from radiology.answer.lesions import Became

MORE_THAN_PERCENT = 25.0
"""A lesion grew, or shrank, when its volume changed by more: after NELSON's criterion for nodules
(van Klaveren and others, N Engl J Med 2009;361:2221); ours for pneumonia."""

LEAST_CHANGE_ML = 0.5
"""Ours: less than this is the outline's, in small lesions."""


@dataclass(frozen=True, slots=True)
class LungMeasurement:
    """One lung, one territory or one lesion at one time.

    Attributes
    ----------
    mean_hu : of the lung with its lesions, of a lesion its own; None where there is no volume
    lesion_mean_hu : None where there is no lesion
    """

    volume_ml: float
    lesion_volume_ml: float
    mean_hu: float | None
    lesion_mean_hu: float | None

    @property
    def lesion_share_percent(self) -> float:
        """Lesion volume as a share of the volume, 0 to 100; 0 where there is no volume."""
        if self.volume_ml <= 0:
            return 0.0
        return min(100.0 * (self.lesion_volume_ml / self.volume_ml), 100.0)

    def facts(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {**asdict(self), "lesion_share_percent": self.lesion_share_percent}


@dataclass(frozen=True, slots=True)
class Change:
    """Then and now."""

    then: LungMeasurement
    now: LungMeasurement

    @property
    def lesion_volume_ml(self) -> float:
        """How much more lesion there is now."""
        return self.now.lesion_volume_ml - self.then.lesion_volume_ml

    @property
    def lesion_growth_percent(self) -> float | None:
        """Growth relative to then; None where there was no lesion to grow from."""
        if self.then.lesion_volume_ml <= 0:
            return None
        return 100.0 * self.lesion_volume_ml / self.then.lesion_volume_ml

    def facts(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "then": self.then.facts(),
            "now": self.now.facts(),
            "lesion_change_ml": self.lesion_volume_ml,
            "lesion_growth_percent": self.lesion_growth_percent,
        }


@dataclass(frozen=True, slots=True)
class LesionChange:
    """A lesion then and now; several where lesions flowed together or came apart.

    Attributes
    ----------
    now_numbers, then_numbers : of the connected lesions in either study, the largest is 1; one of
        the two is empty for a new and for a resolved lesion
    tracking_uid : the same for the same lesion in every study of the patient
    mean_hu_then, mean_hu_now : None where there is no lesion
    """

    course: Became
    side: Side
    tracking_uid: str
    then_numbers: tuple[int, ...]
    now_numbers: tuple[int, ...]
    then_ml: float
    now_ml: float
    mean_hu_then: float | None
    mean_hu_now: float | None

    @property
    def growth_percent(self) -> float | None:
        """Growth relative to then; None for a new lesion."""
        return 100.0 * (self.now_ml - self.then_ml) / self.then_ml if self.then_ml > 0 else None

    def facts(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            **asdict(self),
            "course": self.course.value,
            "side": self.side.value,
            "growth_percent": self.growth_percent,
        }


@dataclass(frozen=True, slots=True)
class RegistrationQuality:
    """How well the registered earlier lungs match the later lungs.

    Attributes
    ----------
    overlap : Dice of both pairs of lungs, 0 to 1, the lower of right and left
    likeness : correlation of density inside the lungs, -1 to 1; vessels make it high
    folded_share : of the lungs' voxels, where the mapping turns tissue inside out
    reason : why only whole lungs are compared; empty when it is good enough
    """

    overlap: float
    likeness: float
    folded_share: float
    reason: str = ""

    @property
    def sufficient(self) -> bool:
        """Whether territories and lesions may be compared place by place."""
        return not self.reason


@dataclass(frozen=True)
class PriorComparison:
    """An earlier study compared with this study.

    Attributes
    ----------
    study_instance_uid : of the earlier study
    then_at, now_at : of the images; None where the headers do not say
    lungs : right, left and both; always there
    territories : as they are in this study, drawn into the earlier one; empty when the
        registration is not sufficient
    lesions : as `territories`; resolved lesions too
    """

    study_instance_uid: str
    then_at: datetime | None
    now_at: datetime | None
    registration: RegistrationQuality
    lungs: dict[Side, Change]
    territories: dict[Territory, Change]
    lesions: tuple[LesionChange, ...]

    def facts(self) -> dict[str, Any]:
        """Everything as plain values for the result row and JSON."""
        return {
            "study_instance_uid": self.study_instance_uid,
            "then_at": self.then_at.isoformat() if self.then_at else None,
            "now_at": self.now_at.isoformat() if self.now_at else None,
            "registration": {
                **asdict(self.registration),
                "sufficient": self.registration.sufficient,
            },
            "lungs": {side.value: change.facts() for side, change in self.lungs.items()},
            "territories": [
                {"territory": territory.value, "side": territory.side.value, **change.facts()}
                for territory, change in self.territories.items()
            ],
            "lesions": [one.facts() for one in self.lesions],
        }


def course_of(then_ml: float, now_ml: float) -> Became:
    """What became of a lesion, by its volumes."""
    if then_ml <= 0:
        return Became.NEW
    if now_ml <= 0:
        return Became.RESOLVED
    change_ml = now_ml - then_ml
    enough = abs(change_ml) > max(LEAST_CHANGE_ML, then_ml * MORE_THAN_PERCENT / 100.0)
    if not enough:
        return Became.UNCHANGED
    return Became.GROWN if change_ml > 0 else Became.SHRUNK
