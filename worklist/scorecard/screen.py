"""The scorecard of a period, as values for the page, the JSON and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from database.session import Engine, query
from database.studies.assembly import Waits
from database.views.scorecard_rows import MOST_ROWS, logged_jobs, scanners, study_times
from evaluation.waiting.queue_replay import Order, WhatIf
from settings.environment import Settings
from worklist.feedback.figures import FeedbackFigures, feedback_figures
from worklist.page.charts import BarChart, DayChart, bar_chart, day_chart
from worklist.scorecard.figures import (
    MeasuredTimes,
    ReadingRoom,
    measured_times,
    replayed_jobs,
    replayed_reading,
)
from worklist.scorecard.site_days import SiteDays
from worklist.words.translations import translated

USUAL_DAYS = 30
ORDER_WORDS = {
    Order.FIRST_IN_FIRST_OUT: "first in, first out",
    Order.PRIORITISED: "prioritised",
}
SHORT_ORDER_WORDS = {Order.FIRST_IN_FIRST_OUT: "fifo", Order.PRIORITISED: "prioritised"}


@dataclass(frozen=True, slots=True)
class ScorecardQuery:
    """What is looked at, and the reading room of the what-if."""

    days: SiteDays
    scanner: str | None
    room: ReadingRoom
    workers: int | None = None


@dataclass(frozen=True)
class Scorecard:
    """Everything that the page shows. `cut`: there were more studies or jobs than are taken."""

    query: ScorecardQuery
    studies: int
    cut: bool
    scanners: tuple[str, ...]
    measures: tuple[MeasuredTimes, ...]
    feedback: FeedbackFigures
    analysis: WhatIf
    reading: WhatIf

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        days, room = self.query.days, self.query.room
        return {
            "first_day": days.first.isoformat(),
            "last_day": days.last.isoformat(),
            "time_zone": str(days.zone) if days.zone else None,
            "scanner": self.query.scanner,
            "studies": self.studies,
            "cut": self.cut,
            "from_last_image_to": {one.measure.key: one.entries() for one in self.measures},
            "feedback": self.feedback.entries(),
            "what_if": {
                "analysis": self.analysis.entries(),
                "reading": {
                    **self.reading.entries(),
                    "reading_s": room.reading_s,
                    "limit_s": room.limit_s,
                },
            },
        }


def make_scorecard(engine: Engine, settings: Settings, asked: ScorecardQuery) -> Scorecard:
    """Look up and count."""
    period = asked.days.period
    with query(engine) as session:
        studies = study_times(session, period, scanner=asked.scanner)
        jobs = logged_jobs(session, period)
        known = scanners(session, period)
        feedback = feedback_figures(session, period, scanner=asked.scanner)
    waits = Waits(settings.wait_high_s, settings.wait_routine_s, settings.wait_low_s)
    return Scorecard(
        query=asked,
        studies=len(studies),
        cut=len(studies) == MOST_ROWS or len(jobs) == MOST_ROWS,
        scanners=tuple(known),
        measures=measured_times(studies, asked.days),
        feedback=feedback,
        analysis=replayed_jobs(jobs, waits, asked.workers),
        reading=replayed_reading(studies, asked.room),
    )


def times_chart(card: Scorecard, measured: MeasuredTimes) -> DayChart:
    """Median and 95th percentile of all studies by day, and the median of the urgent ones."""
    days = [day.isoformat() for day in card.query.days.days]
    return day_chart(
        days,
        [
            (
                "p95",
                "95th percentile of all",
                {day: one.p95_s for day, one in measured.by_day.items()},
            ),
            ("all", "median of all", {day: one.median_s for day, one in measured.by_day.items()}),
            (
                "urgent",
                "median of urgent",
                {day: one.median_s for day, one in measured.by_day_urgent.items()},
            ),
        ],
    )


def order_chart(found: WhatIf) -> BarChart:
    """Median time to the end of each group in both orders."""
    groups = sorted({group for one in found.by_order.values() for group in one})
    return bar_chart(
        [
            (
                order.value,
                f"{translated(group)}{translated(', ')}{translated(SHORT_ORDER_WORDS[order])}",
                found.by_order[order][group].to_result.median_s,
            )
            for group in groups
            for order in Order
        ]
    )
