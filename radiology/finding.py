"""What a model claims about a study, with the figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from radiology.algorithm import AlgorithmIdentity
from radiology.region import ChestRegions


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
        return 100.0 * self.lesion_volume_ml / self.lung_volume_ml


@dataclass(frozen=True, slots=True)
class QualityGate:
    """One check that must hold before a result may be called an answer.

    `seen` and `limit` are what the page shows: the value that the gate saw, and what it asks for.
    """

    name: str
    passed: bool
    seen: str
    limit: str
    reason: str = ""


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
    """

    outcome: Outcome
    algorithm: AlgorithmIdentity
    suspicion: float | None
    suspicion_threshold: float
    figures: Mapping[Side, LungFigures]
    gates: tuple[QualityGate, ...]
    key_slice: int | None
    regions: ChestRegions | None

    @property
    def failed_gates(self) -> tuple[QualityGate, ...]:
        """The gates that made this reading not assessable."""
        return tuple(gate for gate in self.gates if not gate.passed)

    def facts(self) -> dict[str, Any]:
        """Everything but the masks, as plain values for the result row and JSON."""
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
            "gates": [asdict(gate) for gate in self.gates],
            "key_slice": self.key_slice,
        }


@dataclass(frozen=True, slots=True)
class Triage:
    """The urgency of a study and the row of the rule table that decided it."""

    urgency: Urgency
    rule: str
