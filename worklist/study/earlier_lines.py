"""Results of a study that a newer one took the place of, as lines of its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.views.worklist.worklist_facts import ResultFacts, StudyPage
from models.older_readings import brief_if_readable
from worklist.reading.figures import (
    GateLine,
    TableLines,
    found_in_words,
    gate_lines,
    table_lines,
)
from worklist.words.study_words import DeliveryLine, delivery_line
from worklist.words.verdict import Verdict, verdict_of_result


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """A superseded result."""

    result_id: int
    superseded_by_id: int | None
    study_version: int
    read_by: str  # name and version of the bundle
    created_at: datetime
    verdict: Verdict
    found: tuple[str, ...]
    suspicion: float | None
    table: TableLines
    gates: tuple[GateLine, ...]
    has_picture: bool
    deliveries: tuple[DeliveryLine, ...]


def earlier_lines(page: StudyPage) -> tuple[EarlierLine, ...]:
    """Every superseded result."""
    return tuple(
        _earlier_line(result) for result in page.results if result.superseded_by_id is not None
    )


def _earlier_line(result: ResultFacts) -> EarlierLine:
    reading = brief_if_readable(result.reading)
    return EarlierLine(
        result_id=result.id,
        superseded_by_id=result.superseded_by_id,
        study_version=result.study_version,
        read_by=f"{result.bundle} {result.bundle_version}".strip(),
        created_at=result.created_at,
        verdict=verdict_of_result(result),
        found=found_in_words(reading),
        suspicion=result.suspicion,
        table=table_lines(reading),
        gates=gate_lines(reading),
        has_picture=result.key_picture is not None,
        deliveries=tuple(delivery_line(item) for item in result.deliveries),
    )
