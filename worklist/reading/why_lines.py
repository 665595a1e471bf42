"""The reason for a study's urgency, or for none: the rule or gate that decided, and its value."""

from __future__ import annotations

from dataclasses import dataclass

from database.results.facts import refused_by
from database.states import RUNNING, JobState
from database.views.worklist.worklist_facts import DecisionFacts, JobFacts, ResultFacts, WorklistRow
from radiology.answer.brief import ReadingInBrief
from radiology.answer.reading import Reading, ReportWords
from radiology.outcome import Outcome
from radiology.urgency import LimitOf, RuleSeen, Urgency
from worklist.reading.figures import gate_lines
from worklist.words.declared_titles import titled
from worklist.words.rule_texts import rule_text
from worklist.words.stored_words import decision_words, reason_words, rule_words
from worklist.words.study_words import standing_of
from worklist.words.translations import translated, translated_row
from worklist.words.verdict import why_not_assessable

_LEADS = {
    Urgency.URGENT: "Urgent: the first rule that holds decides.",
    Urgency.SUSPECTED: "Suspected, and not urgent: no urgent rule held.",
    Urgency.ROUTINE: "Routine: no rule above it held.",
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
    detail : what was stored about it
    lines : in the order in which they were asked
    note : what is not known, and why
    """

    lead: str
    lines: tuple[WhyLine, ...] = ()
    note: str = ""
    detail: str = ""


def why_lines(
    row: WorklistRow, decisions: tuple[DecisionFacts, ...], reading: Reading | None
) -> WhyLines:
    """What decided about a study as it stands now.

    Parameters
    ----------
    reading : of the row's result; None where it has none
    """
    job, result = row.job, row.result
    if job is not None and job.state is JobState.FAILED:
        return _failed(job)
    if result is None:
        return _not_yet(row)
    if result.outcome is not Outcome.NOT_ASSESSABLE and result.urgency is not None:
        return _ruled(result, result.urgency, reading)
    if refused_by(result.reading):
        return _refused(result, decisions)
    return _gated(reading)


def _failed(job: JobFacts) -> WhyLines:
    line = _of_job(job, translated("no fault"), translated("failed"))
    return WhyLines("Not analysed: the analysis ended with a fault.", (line,))


def _not_yet(row: WorklistRow) -> WhyLines:
    words = standing_of(row).words
    job = row.job
    if job is not None and job.state in RUNNING and job.error_kind:
        line = _of_job(job, translated("available"), translated("waits"))
        return WhyLines("Not analysed yet:", (line,), detail=f"{words}.")
    return WhyLines("Not analysed yet:", detail=f"{words}.")


def _of_job(job: JobFacts, limit: str, says: str) -> WhyLine:
    seen = reason_words(job.error_kind, job.error_message)
    return WhyLine(job.error_kind, seen, limit, says, decided=True)


def _refused(result: ResultFacts, decisions: tuple[DecisionFacts, ...]) -> WhyLines:
    reason = why_not_assessable(result)
    lines = tuple(
        WhyLine(
            name=translated(
                "%(rule)s, series …%(uid)s",
                rule=rule_words(decision.rule),
                uid=decision.series_instance_uid[-12:],
            ),
            seen=translated_row(decision.seen),
            limit=translated_row(decision.limit),
            says=decision_words(decision.rule, decision.reason) or translated("not analysed"),
            decided=True,
        )
        for decision in decisions
        if not decision.chosen
    )
    if any(one.chosen for one in decisions) or not lines:
        kind = refused_by(result.reading)
        lines = (WhyLine(kind, reason, "", translated("refused"), decided=True),)
    return WhyLines("Not analysed:", lines, detail=reason)


def _gated(reading: Reading | None) -> WhyLines:
    lines = tuple(
        WhyLine(
            name=gate.name,
            seen=gate.seen,
            limit=gate.limit,
            says=gate.reason or translated("not passed"),
            decided=True,
        )
        for gate in gate_lines(reading)
        if not gate.passed and not gate.warns
    )
    return WhyLines(
        "Not assessable: a quality gate was not passed. No rule of urgency was asked.", lines
    )


def _ruled(result: ResultFacts, urgency: Urgency, reading: Reading | None) -> WhyLines:
    lines = rule_lines(reading)
    if not lines:
        note = "An older version made this result: what the other rules saw was not kept."
        return WhyLines("One rule decided:", (), note, f"{translated_row(result.urgency_rule)}.")
    return WhyLines(_LEADS[urgency], lines)


def rule_that_decided(result: ResultFacts | None, reading: Reading | ReadingInBrief | None) -> str:
    """The name of the rule of urgency that a result keeps; empty where there is none."""
    if result is None:
        return ""
    rule = result.urgency_rule
    return translated_row(rule) if reading is None else titled(rule, reading.report)


def rule_lines(reading: Reading | ReadingInBrief | None) -> tuple[WhyLine, ...]:
    """Every rule of urgency that was asked, and what it saw; empty where none was kept."""
    if reading is None:
        return ()
    rules = reading.urgency_rules
    first = next((index for index, one in enumerate(rules) if one.held), None)
    return tuple(
        WhyLine(
            name=titled(rule.name, reading.report),
            seen=rule_text(rule.seen, reading.report),
            limit=_limit(rule, reading.report),
            says=_says(rule, decided=index == first, asked=first is None or index <= first),
            decided=index == first,
        )
        for index, rule in enumerate(rules)
    )


def _limit(rule: RuleSeen, report: ReportWords) -> str:
    """What a rule asks for, and whose limit that is where it is not the bundle's."""
    limit = rule_text(rule.limit, report)
    of_site = rule.whose is LimitOf.SITE
    return translated("%(limit)s (limit of the site)", limit=limit) if of_site else limit


def _says(rule: RuleSeen, *, decided: bool, asked: bool) -> str:
    urgency = translated(rule.urgency)
    if decided:
        return translated("%(urgency)s: decides", urgency=urgency)
    if rule.held:
        return translated("%(urgency)s, but a rule above decides", urgency=urgency)
    if not asked:
        return translated("does not hold")
    return translated("not %(urgency)s", urgency=urgency)
