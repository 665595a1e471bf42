"""Why a study has the urgency that it has, or none: which rule or gate decided, and what it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database.states import RUNNING, JobState
from database.worklist_facts import DecisionFacts, JobFacts, ResultFacts, WorklistRow
from radiology.finding import Outcome, Urgency
from worklist.figures import gate_lines
from worklist.study_words import standing_of

_LEADS = {
    Urgency.URGENT: "Flagged as urgent: the first rule that holds decides.",
    Urgency.SUSPECTED: "Suspected, and not flagged as urgent: no urgent rule held.",
    Urgency.ROUTINE: "Not flagged: no rule above it held.",
}


@dataclass(frozen=True, slots=True)
class WhyLine:
    """One rule or gate: what it saw, what it asks for, what it said, and whether it decided."""

    name: str
    seen: str
    limit: str
    says: str
    decided: bool


@dataclass(frozen=True, slots=True)
class WhyLines:
    """The answer to "why?".

    Attributes
    ----------
    lead : in a sentence of ours
    detail : what was stored about it, as it was stored
    lines : in the order in which they were asked
    note : what is not known, and why
    """

    lead: str
    lines: tuple[WhyLine, ...] = ()
    note: str = ""
    detail: str = ""


def why_lines(row: WorklistRow, decisions: tuple[DecisionFacts, ...]) -> WhyLines:
    """What decided about a study as it stands now."""
    job, result = row.job, row.result
    if job is not None and job.state is JobState.FAILED:
        return _failed(job)
    if result is None:
        return _not_yet(row)
    if result.outcome is not Outcome.NOT_ASSESSABLE and result.urgency is not None:
        return _ruled(result, result.urgency)
    if result.reading.get("refused_by"):
        return _refused(result, decisions)
    return _gated(result)


def _failed(job: JobFacts) -> WhyLines:
    line = WhyLine(job.error_kind, job.error_message, "no fault", "failed", decided=True)
    return WhyLines("Not analysed: the analysis ended with a fault.", (line,))


def _not_yet(row: WorklistRow) -> WhyLines:
    words = standing_of(row).words
    job = row.job
    if job is not None and job.state in RUNNING and job.error_kind:
        line = WhyLine(job.error_kind, job.error_message, "available", "waits", decided=True)
        return WhyLines("Not analysed yet:", (line,), detail=f"{words}.")
    return WhyLines("Not analysed yet:", detail=f"{words}.")


def _refused(result: ResultFacts, decisions: tuple[DecisionFacts, ...]) -> WhyLines:
    lines = tuple(
        WhyLine(
            name=f"{one.rule.replace('_', ' ')}, series …{one.series_instance_uid[-12:]}",
            seen=one.seen,
            limit=one.limit,
            says=one.reason or "not analysed",
            decided=True,
        )
        for one in decisions
        if not one.chosen
    )
    if any(one.chosen for one in decisions) or not lines:
        kind = str(result.reading["refused_by"])
        lines = (WhyLine(kind, result.reason, "", "refused", decided=True),)
    return WhyLines("Not analysed:", lines, detail=result.reason)


def _gated(result: ResultFacts) -> WhyLines:
    lines = tuple(
        WhyLine(
            name=gate.name.replace("_", " "),
            seen=gate.seen,
            limit=gate.limit,
            says=gate.reason or "not passed",
            decided=True,
        )
        for gate in gate_lines(result.reading)
        if not gate.passed and not gate.warns
    )
    return WhyLines(
        "Not assessable: a quality gate was not passed. No rule of urgency was asked.", lines
    )


def _ruled(result: ResultFacts, urgency: Urgency) -> WhyLines:
    lines = _rule_lines(result.reading)
    if not lines:
        note = "An older version made this result: what the other rules saw was not kept."
        return WhyLines("One rule decided:", (), note, f"{result.urgency_rule}.")
    return WhyLines(_LEADS[urgency], lines)


def _rule_lines(reading: Mapping[str, Any]) -> tuple[WhyLine, ...]:
    rules = [one for one in reading.get("urgency_rules") or () if isinstance(one, Mapping)]
    first = next((index for index, one in enumerate(rules) if one.get("held")), None)
    return tuple(
        WhyLine(
            name=str(one.get("name", "")),
            seen=str(one.get("seen", "")),
            limit=str(one.get("limit", "")),
            says=_says(one, decided=index == first, asked=first is None or index <= first),
            decided=index == first,
        )
        for index, one in enumerate(rules)
    )


def _says(one: Mapping[str, Any], *, decided: bool, asked: bool) -> str:
    urgency = str(one.get("urgency", ""))
    if decided:
        return f"{urgency}: decides"
    if one.get("held"):
        return f"{urgency}, but a rule above decides"
    return f"not {urgency}" if asked else "does not hold"
