"""Measures how long the server takes to count and to show the scorecard of thirty days.

Four in five studies were opened, urgent and suspected studies were flagged and acknowledged, and
each job has waited and run. So the rows have everything that the scorecard counts. How it is asked,
and what is counted, is in `benchmarks.page_cost`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import bindparam, insert, select, text, update

from benchmarks.page_cost import Cost, Used, measure_in_both, open_page, page_cost
from benchmarks.worklist_rows import fill_hospital
from database.schema import upgrade_schema
from database.session import Engine, open_engine
from database.states import WorklistRank
from database.tables.study.analysis import Event, Job, Study
from database.views.scorecard_rows import ACKNOWLEDGED, OPENED, SENT

_DAYS = 30
_JOB_S = 12.0
_ADDRESSES = {
    "page, 30 days": "/scorecard",
    "page, one scanner": "/scorecard?scanner=CT-ED",
    "JSON, 30 days": "/scorecard.json",
}


def measure_scorecard(console: Console, folder: Path, *, studies: int, runs: int) -> dict[str, Any]:
    """Fill both databases and ask for the scorecard `runs` times, after twice to warm up."""
    measured = measure_in_both(
        console,
        folder,
        studies=studies,
        runs=runs,
        said=f"{studies} studies of {_DAYS} days",
        ask=lambda url, data, used_s: _measure(url, data, studies, runs, used_s),
    )
    _print(console, measured)
    return measured


async def _measure(
    url: str, folder: Path, studies: int, runs: int, used_s: Used
) -> dict[str, Cost]:
    engine = open_engine(url)
    upgrade_schema(engine)
    fill_hospital(engine, studies, days=_DAYS, now=datetime.now(UTC))
    _fill_moments(engine)
    async with open_page(engine, url, folder) as page:
        counted = (await page.get(_ADDRESSES["JSON, 30 days"])).json()["studies"]
        assert counted > 0.9 * studies, "the studies do not lie in the period that is asked for"
        costs = {
            name: await page_cost(page, address, runs, used_s)
            for name, address in _ADDRESSES.items()
        }
    engine.dispose()
    return costs


def _fill_moments(engine: Engine) -> None:
    """Add what happened to the studies after their results, and when their jobs were claimed."""
    with engine.begin() as connection:
        rows = connection.execute(
            select(Study.id, Study.last_instance_at, Study.worklist_rank, Study.opened)
        ).all()
        happened = [
            {"at": came + timedelta(seconds=after_s), "study_id": study_id, "name": name}
            for study_id, came, rank, opened in rows
            for name, after_s in _moments(study_id, rank, opened)
        ]
        connection.execute(insert(Event), [{"facts": {}, **one} for one in happened])
        ended = connection.execute(
            select(Job.id, Job.finished_at).where(Job.finished_at.is_not(None))
        )
        connection.execute(
            update(Job).where(Job.id == bindparam("job")).values(claimed_at=bindparam("claimed")),
            [
                {"job": job_id, "claimed": finished_at - timedelta(seconds=_JOB_S)}
                for job_id, finished_at in ended
                if finished_at is not None
            ],
        )
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))  # as autovacuum does; with SQLite nobody does


def _moments(study_id: int, rank: WorklistRank, opened: bool) -> Iterator[tuple[str, float]]:
    """What happened to a study, and how many seconds after its last image."""
    if rank in (WorklistRank.URGENT, WorklistRank.SUSPECTED):
        yield SENT, 15.0
        yield ACKNOWLEDGED, 60.0 + study_id % 900
    if opened:
        yield OPENED, 30.0 + study_id * 37 % 14_400


def _print(console: Console, measured: dict[str, Any]) -> None:
    databases = measured["questions"]
    table = Table("Scorecard", *(f"{name}, ms: p95, processor" for name in databases))
    for question in _ADDRESSES:
        costs = [of_database[question] for of_database in databases.values()]
        cells = [f"{one['p95_ms']:.0f}, {one['processor_ms']:.0f}" for one in costs]
        table.add_row(question, *cells)
    console.print(table)
    console.print(f"Load of the machine: {measured['load']}")
