"""Information about a patient beside the study: clinical values, and an earlier measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from radiology.clinical.measurement import LesionMeasurement
from radiology.clinical.values import ClinicalValues


@dataclass(frozen=True, slots=True)
class ClinicalSource:
    """Where a value came from.

    Attributes
    ----------
    by : a reader's name, or a system's
    through : "page" or "HL7"
    """

    by: str
    through: str
    at: datetime

    def facts(self) -> dict[str, str]:
        """Everything as plain values for the result row."""
        return {"by": self.by, "through": self.through, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class ClinicalContext:
    """What a person or a system gave for one patient, for one study.

    Attributes
    ----------
    values : they count before what the headers of the study state
    prior : of an earlier study of the same patient; None where there is none to compare with
    sources : of those values whose origin is known, by field
    """

    values: ClinicalValues = field(default_factory=ClinicalValues)
    prior: LesionMeasurement | None = None
    sources: Mapping[str, ClinicalSource] = field(default_factory=dict)

    def facts(self, stated: ClinicalValues) -> dict[str, Any]:
        """Which value came from where, as plain values for the result row and JSON.

        Parameters
        ----------
        stated : what the headers state. What was given counts; both are told, as they may differ.
        """
        prior = self.prior
        sources = {name: one.facts() for name, one in self.sources.items()}
        return {
            "given": self.values.facts(),
            "headers": stated.facts(),
            "earlier": prior and {**asdict(prior), "acquired_at": prior.acquired_at.isoformat()},
            **({"sources": sources} if sources else {}),
        }
