"""Running predictive values from feedback: in all, by scanner and by bundle version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database.feedback.given import (
    JudgedResult,
    Period,
    answered_results,
    judged_results,
    newest_of_each_answer,
)
from database.session import Session
from evaluation.statistics.reader_agreement import Judged, ReaderAgreement, reader_agreement
from radiology.feedback import is_called, is_present
from radiology.urgency import Urgency

CAVEAT = (
    "Only judged studies count, each once, by its newest judged result. What is judged is no "
    "random sample: a missed study that nobody noticed is counted nowhere."
)


@dataclass(frozen=True)
class FeedbackFigures:
    """Figures of a period.

    Attributes
    ----------
    by_version : without the studies that nobody judged, which are not counted by version
    in_dispute : judged studies whose readers differ in what is there; the last one counts
    """

    total: ReaderAgreement
    by_scanner: Mapping[str, ReaderAgreement]
    by_version: Mapping[str, ReaderAgreement]
    in_dispute: int

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.total.entries(),
            "in_dispute": self.in_dispute,
            "by_scanner": {name: one.entries() for name, one in self.by_scanner.items()},
            "by_bundle_version": {
                name: {
                    key: value
                    for key, value in figures.entries().items()
                    if not key.startswith("not_judged")
                }
                for name, figures in self.by_version.items()
            },
            "caveat": CAVEAT,
        }


def feedback_figures(
    session: Session, period: Period | None, *, scanner: str | None = None
) -> FeedbackFigures:
    """Look up and count.

    Parameters
    ----------
    period : of the results' making; None for all
    scanner : only studies that this AE title sent
    """
    given = [
        judged_result
        for judged_result in judged_results(session, period)
        if scanner is None or judged_result.scanner == scanner
    ]
    answered = {
        key: count
        for key, count in answered_results(session, period).items()
        if scanner is None or key[0] == scanner
    }
    return count_feedback(given, answered)


def count_feedback(
    given: list[JudgedResult], answered: Mapping[tuple[str, Urgency], int]
) -> FeedbackFigures:
    """Figures from opinions, the newest first, and from how many answers there are."""
    judged = newest_of_each_answer(given)
    by_scanner: dict[str, list[JudgedResult]] = defaultdict(list)
    by_version: dict[str, list[JudgedResult]] = defaultdict(list)
    for judged_result in judged:
        by_scanner[judged_result.scanner].append(judged_result)
        by_version[f"{judged_result.bundle}/{judged_result.bundle_version}"].append(judged_result)
    names = sorted({name for name, _ in answered} | set(by_scanner))
    seen: dict[int, set[bool]] = defaultdict(set)
    for judged_result in given:
        seen[judged_result.result_id].add(_judged(judged_result).present)
    return FeedbackFigures(
        total=_agreement(judged, answered),
        by_scanner={
            name: _agreement(
                by_scanner.get(name, []),
                {key: count for key, count in answered.items() if key[0] == name},
            )
            for name in names
        },
        by_version={name: _agreement(by_version[name], {}) for name in sorted(by_version)},
        in_dispute=sum(len(seen[one.result_id]) > 1 for one in judged),
    )


def _judged(result: JudgedResult) -> Judged:
    return Judged(is_called(result.urgency), is_present(result.urgency, result.faults))


def _agreement(
    judged: list[JudgedResult], answered: Mapping[tuple[str, Urgency], int]
) -> ReaderAgreement:
    called = sum(count for (_, urgency), count in answered.items() if is_called(urgency))
    return reader_agreement(
        map(_judged, judged),
        answered_called=called,
        answered_not_called=sum(answered.values()) - called,
    )
