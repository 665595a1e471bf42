"""The answer of each bundle to a study, as lines of its page: the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass

from database.states import RETRYABLE
from database.views.worklist.worklist_facts import BundleAnswer, WorklistRow
from models.older_readings import brief_if_readable
from worklist.list.list_line import newer_images_note
from worklist.reading.figures import (
    GateLine,
    TableLines,
    found_in_words,
    gate_lines,
    read_as,
    table_lines,
)
from worklist.reading.why_lines import WhyLine, rule_lines, rule_that_decided
from worklist.study.sent_lines import may_be_sent_again
from worklist.words.next_steps import note_on_retry
from worklist.words.study_words import DeliveryLine, StudyStanding, delivery_line, standing_of
from worklist.words.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One bundle's answer.

    Attributes
    ----------
    bundle_version : that answered or is at work; "" before one is
    picture_of : the result whose key picture can be shown; None where it has none
    rule : the one of urgency that decided; `asked` holds every one that was asked
    retry_job_id : the job that a person may send back to the queue
    retry_note : what to know before; "" where trying again may help
    send_again_job_id : the job whose results a person may send again
    """

    bundle: str
    bundle_version: str
    verdict: Verdict
    standing: StudyStanding
    note: str
    read_as: str
    found: tuple[str, ...]
    withdrawn: bool
    rule: str
    asked: tuple[WhyLine, ...]
    suspicion: float | None
    table: TableLines
    gates: tuple[GateLine, ...]
    picture_of: int | None
    deliveries: tuple[DeliveryLine, ...]
    retry_job_id: int | None
    retry_note: str
    send_again_job_id: int | None


def answer_lines(row: WorklistRow) -> tuple[AnswerLine, ...]:
    """The answer of each bundle."""
    return tuple(_line(row.of(answer), answer) for answer in row.answers)


def _line(row: WorklistRow, answer: BundleAnswer) -> AnswerLine:
    job, result = answer.job, answer.result
    reading = brief_if_readable(result.reading) if result else None
    withdrawn = result is not None and result.withdrawn_at is not None
    version = result.bundle_version if result else ""
    again = result is not None and any(may_be_sent_again(one) for one in result.deliveries)
    return AnswerLine(
        bundle=answer.bundle,
        bundle_version=version or job.bundle_version,
        verdict=verdict_of(row),
        standing=standing_of(row),
        note=newer_images_note(row),
        read_as=read_as(reading),
        found=() if withdrawn else found_in_words(reading),
        withdrawn=withdrawn,
        rule=rule_that_decided(result, reading),
        asked=rule_lines(reading),
        suspicion=result.suspicion if result else None,
        table=table_lines(reading),
        gates=gate_lines(reading),
        picture_of=result.id if result and result.key_picture else None,
        deliveries=tuple(delivery_line(one) for one in result.deliveries) if result else (),
        retry_job_id=job.id if job.state in RETRYABLE else None,
        retry_note=note_on_retry(job.error_kind),
        send_again_job_id=result.job_id if result and again else None,
    )
