"""One bundle's answer for one chest CT, with the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from chest.values.case_answer import (
    Confidence,
    PneumoniaType,
    RuleAnswer,
    SignAnswer,
    ViralAnswer,
)
from chest.values.chest_map import MappedLesion
from chest.values.course import Course
from chest.values.effusion import Effusion
from chest.values.figures import LungFigures, Side
from chest.values.other_disease import OtherDisease
from chest.values.regions import ChestRegions
from chest.values.severity import Severity
from chest.values.territory import Boundary, Territories, TerritoryFigures
from radiology.algorithm import AlgorithmIdentity
from radiology.image.heat_map import HeatMap
from radiology.outcome import GateSeverity, Outcome, QualityGate


@dataclass(frozen=True)
class ChestReading:
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
    effusion : plain fluid beside the lungs, no part of them; None where none was found
    other_disease : what else it may be; None when not assessable, and where an older version read
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
    effusion: Effusion | None = None
    other_disease: OtherDisease | None = None
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
                    **asdict(territory),
                    "territory": territory.territory.value,
                    "side": territory.territory.side.value,
                    "is_lobe": territory.territory.is_lobe,
                    "lesion_share_percent": territory.lesion_share_percent,
                }
                for territory in self.territories
            ],
            "boundaries": [asdict(one) for one in self.boundaries],
            "severity": self.severity.facts() if self.severity else None,
            "heat_maps": {str(index): one.facts() for index, one in self.heat_maps.items()},
            "acquired_at": self.acquired_at.isoformat() if self.acquired_at else None,
            "effusion": None if self.effusion is None else asdict(self.effusion),
            "other_disease": None if self.other_disease is None else asdict(self.other_disease),
            "lesions": [{**asdict(one), "side": one.side.value} for one in self.lesions],
            "course": self.course.facts() if self.course else None,
        }
