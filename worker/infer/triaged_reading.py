"""A reading with its triage: what is encoded, stored, and raised as a flag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.judge.rules import RowSeen
from models.read_volume import JudgedReading
from radiology.answer.reading import Reading
from radiology.answer.stored_reading import to_facts
from radiology.urgency import Triage


@dataclass(frozen=True)
class TriagedReading:
    """One bundle's reading of one version of a study, and how urgent it is.

    Attributes
    ----------
    triage : None exactly when the reading is not assessable
    facts : the reading as it is stored, with every row of the urgency and what it saw under
        `urgency_rules`, and what was given beside the study under `context`
    provider : the execution provider that ran, as ONNX Runtime calls it
    """

    reading: Reading
    triage: Triage | None
    facts: Mapping[str, Any]
    provider: str

    @property
    def suspicion(self) -> float | None:
        """How suspect the study is as a whole, 0 to 1."""
        return None if self.reading.suspicion is None else self.reading.suspicion.value

    @property
    def decided_by(self) -> Mapping[str, str]:
        """What the row that decided saw, and its limit; empty where none was asked."""
        for row in self.facts["urgency_rules"]:
            if row["held"]:
                return {"seen": row["seen"], "limit": row["limit"]}
        return {}


def declared_answer(judged: JudgedReading, provider: str) -> TriagedReading:
    """The answer of a bundle of schema 3."""
    facts = {**to_facts(judged.reading), "urgency_rules": _urgency_rows(judged.rows), "context": {}}
    return TriagedReading(judged.reading, judged.triage, facts, provider)


def _urgency_rows(rows: Iterable[RowSeen]) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "urgency": row.says,
            "held": row.held,
            "seen": row.seen,
            "limit": row.limit,
            "whose": row.limit_of.value,
            "declared": row.declared,
        }
        for row in rows
        if row.of_urgency
    ]
