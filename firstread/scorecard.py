"""`firstread scorecard`: the waiting times of studies, and those in another order."""

from __future__ import annotations

from datetime import UTC, date, datetime

from rich.console import Console
from rich.table import Table

from evaluation.waiting.queue_replay import WhatIf
from evaluation.waiting.waiting_times import WaitingTimes
from firstread.data_folder import open_database
from firstread.say import print_json, table_console
from radiology.errors import SettingsRefused
from settings.environment import Settings
from worklist.page.charts import duration
from worklist.scorecard.figures import ALL, ReadingRoom
from worklist.scorecard.screen import ORDER_WORDS, USUAL_DAYS, ScorecardQuery, make_scorecard
from worklist.scorecard.site_days import LONGEST_DAYS, site_days


def print_scorecard(
    settings: Settings,
    first: date | None,
    last: date | None,
    *,
    scanner: str | None,
    room: ReadingRoom,
    workers: int | None,
    as_json: bool,
) -> None:
    """Print the scorecard of whole days, both included."""
    days = site_days(first, last, now=datetime.now(UTC), zone=settings.zone, usual_days=USUAL_DAYS)
    if days is None:
        raise SettingsRefused(
            f"A scorecard is of 1 to {LONGEST_DAYS} days, the first not after the last"
        )
    query = ScorecardQuery(days, scanner, room, workers)
    card = make_scorecard(open_database(settings), settings, query)
    if as_json:
        print_json(card.entries())
        return
    console = table_console()
    console.print(f"{card.studies} studies, {days.first} to {days.last}")
    table = Table(
        "From the last image to", "Group", "50 %", "90 %", "95 %", "Longest", "n", "Never"
    )
    for measure in card.measures:
        for group, times in {ALL: measure.total, **measure.by_urgency}.items():
            table.add_row(measure.measure.words, group, *_cells(times))
    console.print(table)
    for words, found in (("Analysis queue", card.analysis), ("Reading room", card.reading)):
        _print_what_if(console, words, found)


def _print_what_if(console: Console, words: str, found: WhatIf) -> None:
    table = Table("Group", "Order", "50 %", "95 %", "Longest wait", title=f"What if: {words}")
    for order, groups in found.by_order.items():
        for group, times in groups.items():
            cells = (times.to_result.median_s, times.to_result.p95_s, times.wait.most_s)
            table.add_row(group, ORDER_WORDS[order], *map(duration, cells))
    console.print(table)


def _cells(times: WaitingTimes) -> tuple[str, ...]:
    seconds = (times.median_s, times.p90_s, times.p95_s, times.most_s)
    return (*map(duration, seconds), str(times.count), str(times.never))
