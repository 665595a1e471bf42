"""The few fields of a reading that a list shows, read without the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from radiology.answer.finding import Finding
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Comparison, Reading, ReportWords, Suspicion, TimePoint
from radiology.answer.statement import Statement
from radiology.answer.table import Table
from radiology.outcome import Outcome, QualityGate
from radiology.urgency import RuleSeen


@dataclass(frozen=True, slots=True)
class ReadingInBrief:
    """Fields of a `Reading` under their own names, so that they are read from what it stored."""

    outcome: Outcome
    report: ReportWords
    suspicion: Suspicion | None = None
    findings: tuple[Finding, ...] = ()
    gates: tuple[QualityGate, ...] = ()
    comparison: Comparison | None = None
    summary: tuple[Measurement | Statement, ...] = ()
    course: tuple[TimePoint, ...] = ()
    table: Table = field(default_factory=Table)
    urgency_rules: tuple[RuleSeen, ...] = ()


def in_brief(reading: Reading) -> ReadingInBrief:
    """What a list shows of a reading."""
    return ReadingInBrief(
        outcome=reading.outcome,
        report=reading.report,
        suspicion=reading.suspicion,
        findings=reading.findings,
        gates=reading.gates,
        comparison=reading.comparison,
        summary=reading.summary,
        course=reading.course,
        table=reading.table,
        urgency_rules=reading.urgency_rules,
    )
