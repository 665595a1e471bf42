"""The verdict: a study in a word, with its reason; never "routine" without a reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from database.results.facts import refused_by
from database.states import JobState, RejectionReason, StudyState, WorklistRank
from database.views.worklist.worklist_facts import JobFacts, ResultFacts, WorklistRow
from models.older_readings import brief_if_readable
from radiology.answer.brief import ReadingInBrief
from radiology.answer.finding import Presence
from radiology.answer.reading import Reading, ReportWords
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.urgency import Urgency
from radiology.words.gate_reasons import without_stop
from worklist.words.declared_titles import titled
from worklist.words.next_steps import next_step, next_step_of_job
from worklist.words.rule_texts import rule_text
from worklist.words.stored_words import reason_words
from worklist.words.translations import translated


class Kind(StrEnum):
    """The kinds of answer: each has its own colour, word and shape."""

    URGENT = "urgent"
    SUSPECTED = "suspected"
    ROUTINE = "routine"
    PENDING = "pending"
    NOT_ASSESSABLE = "not-assessable"
    REFUSED = "refused"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


WORDS = {
    Kind.URGENT: "Urgent",
    Kind.SUSPECTED: "Suspected",
    Kind.ROUTINE: "Routine",
    Kind.PENDING: "In progress",
    Kind.NOT_ASSESSABLE: "Not assessable",
    Kind.REFUSED: "Refused",
    Kind.FAILED: "Failed",
    Kind.WITHDRAWN: "Withdrawn",
}
WITHDRAWN_BECAUSE = {
    RejectionReason.QUALITY: "rejected for quality reasons",
    RejectionReason.PATIENT_SAFETY: "rejected for patient safety reasons",
    RejectionReason.INCORRECT_WORKLIST: "made for an incorrect worklist entry",
    RejectionReason.DATA_RETENTION: "to be kept no longer",
}

_WITHOUT_READING = (
    JobState.REFUSED,
    JobState.NOT_APPLICABLE,
    JobState.NOT_WANTED,
    JobState.SHADOWED,
)
_READ = "Read the study as if it had not been analysed."
_ANSWERED = {
    WorklistRank.URGENT: Kind.URGENT,
    WorklistRank.SUSPECTED: Kind.SUSPECTED,
    WorklistRank.ROUTINE: Kind.ROUTINE,
}
_URGENCIES = {
    Urgency.URGENT: Kind.URGENT,
    Urgency.SUSPECTED: Kind.SUSPECTED,
    Urgency.ROUTINE: Kind.ROUTINE,
}
_UNREAD = (
    StudyState.RECEIVED,
    StudyState.QUEUED,
    StudyState.SELECTED,
    StudyState.DECODED,
    StudyState.INFERRED,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One study's answer.

    `reason` says why there is no reading, `advice` what a person can do about it; both are empty
    where there is nothing to explain. `struck` is what a withdrawn result said.
    """

    kind: Kind
    reason: str = ""
    advice: str = ""
    struck: str = ""

    @property
    def word(self) -> str:
        """The kind as a word for a person."""
        return translated(WORDS[self.kind])


def verdict_of(row: WorklistRow) -> Verdict:
    """The answer that a study's row shows. It follows the rank that orders the list.

    With two exceptions, so that a study never looks normal for the wrong reason: a routine rank
    is shown as "in progress" while newer images have not been read, and as an answer that is
    missing where there is no reading. An urgent or suspected study stays what it is when its
    newer images give no answer; the reason is told beside it.
    """
    rank = row.study.worklist_rank
    if rank is WorklistRank.PENDING:
        return Verdict(Kind.PENDING)
    if row.result is not None and row.result.withdrawn_at is not None:
        return verdict_of_result(row.result)
    kind = _ANSWERED.get(rank)
    if kind is None:
        return _unanswered(row)
    if kind is Kind.ROUTINE and row.study.state in _UNREAD:
        return Verdict(Kind.PENDING)
    if _newest_is_answered(row):
        return Verdict(kind)
    missing = _unanswered(row)
    if kind is Kind.ROUTINE:
        return missing
    reason = translated(
        "The newest images have no answer (%(word)s): %(reason)s",
        word=missing.word.lower(),
        reason=missing.reason,
    )
    return Verdict(kind, reason, missing.advice)


def verdict_of_result(result: ResultFacts) -> Verdict:
    """The answer that one result gives, whether it is in force, superseded or withdrawn."""
    if result.withdrawn_at is not None:
        why = WITHDRAWN_BECAUSE.get(result.withdrawal_reason or RejectionReason.QUALITY, "")
        said = verdict_of_result(replace(result, withdrawn_at=None))
        reason = translated("The result was withdrawn: %(why)s.", why=translated(why))
        return Verdict(Kind.WITHDRAWN, reason, translated(_READ), said.word)
    if result.outcome is Outcome.NOT_ASSESSABLE or result.urgency is None:
        kind = refused_by(result.reading) or "NotAssessable"
        return Verdict(Kind.NOT_ASSESSABLE, why_not_assessable(result), next_step(kind))
    return Verdict(_URGENCIES[result.urgency])


def negative_words(reading: Reading | ReadingInBrief | None) -> str:
    """What a reading says first that suspects nothing: "No lung opacities suspected"; else ""."""
    if reading is None or reading.outcome is Outcome.NOT_ASSESSABLE or not reading.findings:
        return ""
    if any(one.presence is not Presence.ABSENT for one in reading.findings):
        return ""
    title = titled(reading.findings[0].title, reading.report)
    within = title[:1].lower() + title[1:] if title[1:2].islower() else title  # not "PE", not "肺"
    return translated("No %(finding)s suspected", finding=within)


def why_not_assessable(result: ResultFacts) -> str:
    """The reason of a result without an answer: of its gates, or of what refused the study."""
    kind = refused_by(result.reading)
    reading = None if kind else brief_if_readable(result.reading)
    if reading is None or not (stopped := _stopping(reading)):
        return reason_words(kind, result.reason)
    return gates_in_words(stopped, reading.report)


def gates_in_words(gates: Iterable[QualityGate], report: ReportWords) -> str:
    """`radiology.words.gate_reasons.gates_say` in the reader's language."""
    sentences = (
        translated(
            "%(reason)s (%(seen)s; needed: %(limit)s).",
            reason=without_stop(titled(gate.reason or gate.name, report)),
            seen=rule_text(gate.seen, report),
            limit=rule_text(gate.limit, report),
        )
        for gate in gates
    )
    return " ".join(sentences)


def _stopping(reading: Reading | ReadingInBrief) -> list[QualityGate]:
    return [
        gate for gate in reading.gates if not gate.passed and gate.severity is GateSeverity.REFUSES
    ]


def _newest_is_answered(row: WorklistRow) -> bool:
    assessed = row.result is not None and row.result.outcome is not Outcome.NOT_ASSESSABLE
    return assessed and _without_reading(row.job) is None


def _unanswered(row: WorklistRow) -> Verdict:
    ended = _without_reading(row.job)
    if ended is not None:
        return ended
    if row.result is not None and row.result.outcome is Outcome.NOT_ASSESSABLE:
        return verdict_of_result(row.result)
    return Verdict(
        Kind.NOT_ASSESSABLE, translated("There is no reading of this study."), next_step("")
    )


def _without_reading(job: JobFacts | None) -> Verdict | None:
    """The answer of a job that ended before there was a reading; None for any other.

    A refused job without an error has a reading: one that its quality gates did not let pass.
    """
    if job is None:
        return None
    if job.state is JobState.FAILED:
        kind = Kind.FAILED
    elif job.state in _WITHOUT_READING and job.error_kind:
        kind = Kind.REFUSED
    else:
        return None
    reason = reason_words(job.error_kind, job.error_message)
    return Verdict(kind, reason, next_step_of_job(job.state, job.error_kind))
