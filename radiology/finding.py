"""What a model claims about a study, with the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from radiology.algorithm import AlgorithmIdentity
from radiology.chest.case_answer import (
    Confidence,
    PneumoniaType,
    RuleAnswer,
    SignAnswer,
    ViralAnswer,
)
from radiology.image.heat_map import HeatMap
from radiology.region import ChestRegions

if TYPE_CHECKING:  # they are made from what stands here
    from radiology.chest.chest_map import MappedLesion
    from radiology.chest.course import Course
    from radiology.chest.territory import Boundary, Territories, TerritoryFigures
    from radiology.severity import Severity


class Outcome(StrEnum):
    """How a reading ended. "Not assessable" is never a kind of negative."""

    FINDINGS = "findings"
    NO_FINDINGS = "no_findings"
    NOT_ASSESSABLE = "not_assessable"


class Urgency(StrEnum):
    """How soon a radiologist should look; the order of the worklist page."""

    URGENT = "urgent"
    SUSPECTED = "suspected"
    ROUTINE = "routine"


class Side(StrEnum):
    """Which lung a figure is about; `TOTAL` is both together."""

    RIGHT = "right"
    LEFT = "left"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class LungFigures:
    """Measurements of one lung, or of both together."""

    side: Side
    lung_volume_ml: float
    lesion_volume_ml: float
    ground_glass_ml: float
    consolidation_ml: float
    lesion_mean_hu: float | None
    slices_involved: int

    @property
    def lesion_share_percent(self) -> float:
        """Lesion volume as a share of lung volume, 0 to 100; 0 where there is no lung."""
        if self.lung_volume_ml <= 0:
            return 0.0
        # The quotient first: of a lung that is all lesion it is 1, and the share not above 100.
        return 100.0 * (self.lesion_volume_ml / self.lung_volume_ml)


class GateSeverity(StrEnum):
    """What a gate does that is not passed."""

    REFUSES = "refuses"  # the reading is not assessable
    WARNS = "warns"  # the result is kept and shown with the warning


@dataclass(frozen=True, slots=True)
class QualityGate:
    """One check that must hold before a result may be called an answer without reservation.

    `seen` and `limit` are what the page shows: the value that the gate saw, and what it asks for.
    """

    name: str
    passed: bool
    seen: str
    limit: str
    reason: str = ""
    severity: GateSeverity = GateSeverity.REFUSES


@dataclass(frozen=True)
class Reading:
    """One bundle's answer for one series.

    Attributes
    ----------
    suspicion : 0 to 1, None when not assessable
        Compared with `suspicion_threshold`; at or above means suspected.
    figures : by side; empty when no lungs were found
    gates : every quality gate that was applied, passed or not
    key_slice : index into the slices of the volume that was read, the slice to show first
    regions : on the grid of the volume that was read; None when no lungs were found
    viral : what the pneumonia's type was decided from; None where no pneumonia is suspected, and
        for a bundle without a classifier
    signs : every sign that the classifier knows; empty without one
    rules : every published rule, one of them chosen; empty when not assessable
    confidence : in the outcome; None when not assessable
    territories : of both lungs, lobes or the zones that stand in for them; empty when not
        assessable
    boundaries : every fissure that was looked for, seen or not
    divided : where the territories lie, on the grid of the volume that was read; None when not
        assessable
    severity : published scores, from the images, from age and sex where the headers state them,
        and from the clinical values that were given; None when not assessable
    heat_maps : by index into the slices of the volume that was read, where the classifier looked
    acquired_at : the images; None where the headers do not say
    lesions : connected lesions, the largest first; what they are called in every study
    course : the patient's earlier studies and what changed; None where none was looked for
    """

    outcome: Outcome
    algorithm: AlgorithmIdentity
    suspicion: float | None
    suspicion_threshold: float
    figures: Mapping[Side, LungFigures]
    gates: tuple[QualityGate, ...]
    key_slice: int | None
    regions: ChestRegions | None
    viral: ViralAnswer | None = None
    signs: tuple[SignAnswer, ...] = ()
    rules: tuple[RuleAnswer, ...] = ()
    confidence: Confidence | None = None
    territories: tuple[TerritoryFigures, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    divided: Territories | None = None
    severity: Severity | None = None
    heat_maps: Mapping[int, HeatMap] = field(default_factory=dict)
    acquired_at: datetime | None = None
    lesions: tuple[MappedLesion, ...] = ()
    course: Course | None = None

    @property
    def pneumonia_type(self) -> PneumoniaType | None:
        """The type of a suspected pneumonia, where it was asked for."""
        return None if self.viral is None else self.viral.type

    @property
    def failed_gates(self) -> tuple[QualityGate, ...]:
        """The gates that made this reading not assessable."""
        return self._not_passed(GateSeverity.REFUSES)

    @property
    def warnings(self) -> tuple[QualityGate, ...]:
        """The gates that were not passed and leave the result standing."""
        return self._not_passed(GateSeverity.WARNS)

    def _not_passed(self, severity: GateSeverity) -> tuple[QualityGate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed and gate.severity is severity)

    def facts(self) -> dict[str, Any]:
        """Everything but masks and maps, as plain values for the result row and JSON."""
        return {
            "outcome": self.outcome.value,
            "algorithm": asdict(self.algorithm),
            "suspicion": self.suspicion,
            "suspicion_threshold": self.suspicion_threshold,
            "figures": {
                side.value: {
                    **asdict(figures),
                    "side": side.value,
                    "lesion_share_percent": figures.lesion_share_percent,
                }
                for side, figures in self.figures.items()
            },
            "gates": [{**asdict(gate), "severity": gate.severity.value} for gate in self.gates],
            "key_slice": self.key_slice,
            "pneumonia_type": self.pneumonia_type.value if self.pneumonia_type else None,
            "viral": self.viral.facts() if self.viral else None,
            "signs": [sign.facts() for sign in self.signs],
            "rules": [rule.facts() for rule in self.rules],
            "confidence": self.confidence.facts() if self.confidence else None,
            "territories": [
                {
                    **asdict(one),
                    "territory": one.territory.value,
                    "side": one.territory.side.value,
                    "is_lobe": one.territory.is_lobe,
                    "lesion_share_percent": one.lesion_share_percent,
                }
                for one in self.territories
            ],
            "boundaries": [asdict(one) for one in self.boundaries],
            "severity": self.severity.facts() if self.severity else None,
            "heat_maps": {str(index): one.facts() for index, one in self.heat_maps.items()},
            "acquired_at": self.acquired_at.isoformat() if self.acquired_at else None,
            "lesions": [{**asdict(one), "side": one.side.value} for one in self.lesions],
            "course": self.course.facts() if self.course else None,
        }


@dataclass(frozen=True, slots=True)
class Triage:
    """The urgency of a study and the row of the rule table that decided it."""

    urgency: Urgency
    rule: str
