"""A year of studies through the retention, on a disk that holds a fifteenth of them.

Rows and small files are written by builders, time is a clock of its own. What may go is kept in a
book of this module: after each step it is looked at whether anything went that had no answer, was
not delivered or not acknowledged. The book shares nothing with the choice that it proves.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import select, update

from benchmarks.page_cost import Cost, page_cost
from benchmarks.page_process import page_of_its_own
from database.flag_states import FlagState
from database.retention.disk import Room
from database.schema import upgrade_schema
from database.session import open_engine, query, transaction
from database.states import DeliveryState, JobState, StudyState
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Delivery, Event, Job, Study
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.retention import Retention
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite, ToKeep, kept_bytes
from worker.retention.turn import retention_turn

LIMIT_MS = 100.0
_STUDY_BYTES: Final = 10_200  # as the builder writes one
_KEPT_BYTES: Final = 200  # of it, until results go
_SHARE_OF_THE_YEAR: Final = 15  # has room on the disk, beside what is kept of all
_DAYS: Final = 365
_STEP: Final = timedelta(hours=4)
_TURN_S: Final = 30.0
_AWAY: Final = (timedelta(days=100), timedelta(days=103))  # PACS does not answer
_ACKNOWLEDGED_AFTER: Final = timedelta(hours=9)
_NOBODY_ELSE_RUNS: Final = 503  # what the health check says of it


@dataclass
class _Book:
    """What this module knows of each study: from when on nothing of it is waited for."""

    free_from: dict[int, datetime | None] = field(default_factory=dict)
    acknowledge: dict[int, datetime] = field(default_factory=dict)
    deliver: dict[int, datetime] = field(default_factory=dict)
    went_too_early: list[int] = field(default_factory=list)
    gone: int = 0


@dataclass
class Year:
    """What was seen.

    `fullest` and `emptiest` are parts of the disk in use, after the first mark was reached.
    """

    studies: int = 0
    turns: int = 0
    gone: int = 0
    went_too_early: int = 0
    held_for_ever: int = 0
    refused_times: int = 0
    fullest: float = 0.0
    emptiest: float = 1.0
    longest_turn_s: float = 0.0
    longest_turn_processor_s: float = 0.0
    took_s: float = 0.0
    processor_s: float = 0.0


def simulate(
    folder: Path,
    *,
    studies: int,
    days: float,
    held_studies: int,
    say: Callable[[str], None] = lambda _: None,
    each_month: Callable[[KeptSite, KeptRows], None] = lambda *_: None,
) -> tuple[KeptSite, Year]:
    """Let studies come over so many days.

    Parameters
    ----------
    each_month : is called twelve times, the last time at the end, with the study that came last

    Returns
    -------
    The site, and what was seen.
    """
    disk = held_studies * _STUDY_BYTES + studies * _KEPT_BYTES
    settings = Settings(
        data_folder=folder / "data",
        database_url=SecretStr(f"sqlite:///{folder / 'year.sqlite'}"),
        min_free_bytes=disk // 50,
        retention=Retention(originals_days=30, slices_days=90),
    )
    settings.data_folder.mkdir(parents=True)
    engine = open_engine(settings.database_address)
    upgrade_schema(engine)
    site = KeptSite(engine, settings)
    chance, book, year = random.Random(20261130), _Book(), Year()
    began, processor_s, used, last_event = time.perf_counter(), time.process_time(), 0, 0
    steps = max(1, round(days * timedelta(days=1) / _STEP))
    last: KeptRows | None = None
    for step in range(steps):
        now = START + step * _STEP
        wanted = studies * (step + 1) // steps - year.studies
        if wanted:
            last = _write(site, wanted, now, chance, book)
        year.studies += wanted
        used += wanted * _STUDY_BYTES
        _go_on(site, now, book)
        if disk - used < settings.min_free_bytes:
            year.refused_times += 1
        ended = False
        while not ended:
            turn_began, used_before_s = time.perf_counter(), time.process_time()
            outcome = retention_turn(
                settings, engine, now, measure=_room(used, disk), most_s=_TURN_S
            )
            year.longest_turn_s = max(year.longest_turn_s, time.perf_counter() - turn_began)
            year.longest_turn_processor_s = max(
                year.longest_turn_processor_s, time.process_time() - used_before_s
            )
            used -= outcome.removed.size_bytes
            year.turns += 1
            ended = outcome.ended
        last_event = _look(site, now, book, last_event)
        part = used / disk
        year.fullest = max(year.fullest, part)
        if book.gone:
            year.emptiest = min(year.emptiest, part)
        if (step + 1) * 12 // steps != step * 12 // steps and last is not None:
            assert used == kept_bytes(settings), "what is counted is not what lies on the disk"
            say(
                f"{now:%Y-%m-%d}: {year.studies} studies, {book.gone} gone, {part:.1%} in use, "
                f"{time.perf_counter() - began:.0f} s"
            )
            each_month(site, last)
    year.gone, year.went_too_early = book.gone, len(book.went_too_early)
    year.held_for_ever = sum(moment is None for moment in book.free_from.values())
    year.took_s = time.perf_counter() - began
    year.processor_s = time.process_time() - processor_s
    return site, year


def _room(used: int, disk: int) -> Callable[[Settings], Room]:
    room = Room(disk - used, disk)
    return lambda _: room


def measure_retention(console: Console, folder: Path, *, studies: int, runs: int) -> dict[str, Any]:
    """Simulate, and ask a page of its own `runs` times at the end of each month."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    months: list[dict[str, Cost]] = []

    def ask(site: KeptSite, last: KeptRows) -> None:
        months.append(asyncio.run(_ask(site, folder, _addresses(site, last), runs)))
        for name, one in months[-1].items():
            slow = " (!)" if one["processor_most_ms"] > LIMIT_MS else ""
            said = ", ".join(f"{what} {value:.0f}" for what, value in one.items())
            console.print(f"  {name}: {said}{slow}")

    _, year = simulate(
        folder,
        studies=studies,
        days=_DAYS,
        held_studies=studies // _SHARE_OF_THE_YEAR,
        say=console.print,
        each_month=ask,
    )
    shutil.rmtree(folder, ignore_errors=True)
    console.print(vars(year))
    return {"year": vars(year), "months": months}


def _addresses(site: KeptSite, last: KeptRows) -> dict[str, str]:
    with query(site.engine) as session:
        removed = session.scalar(
            select(Study.study_instance_uid)
            .where(Study.originals_removed_at.is_not(None))
            .order_by(Study.id.desc())
            .limit(1)
        )
    addresses = {
        "list": "/",
        "administration": "/administration",
        "health": "/health",
        "study": f"/studies/{last.uid}",
    }
    if removed is not None:
        addresses["study whose images are gone"] = f"/studies/{removed}"
    return addresses


async def _ask(
    site: KeptSite, folder: Path, addresses: dict[str, str], runs: int
) -> dict[str, Cost]:
    async with page_of_its_own(site.settings, folder) as (page, used_s):
        return {
            name: await page_cost(
                page, address, runs, used_s, of_each=True, answered=(200, _NOBODY_ELSE_RUNS)
            )
            for name, address in addresses.items()
        }


def _write(
    site: KeptSite, wanted: int, now: datetime, chance: random.Random, book: _Book
) -> KeptRows:
    """So many studies come; returns the last."""
    drawn = [_drawn(now, chance) for _ in range(wanted)]
    with transaction(site.engine) as session:
        written = site.studies_in(session, [one for one, _ in drawn])
    for rows, (one, acknowledged) in zip(written, drawn, strict=True):
        away = one.delivery is DeliveryState.WAITING
        free_from: datetime | None = START + _AWAY[1] if away else now
        if one.state is StudyState.FAILED or (one.flag is not None and not acknowledged):
            free_from = None
        elif one.flag is not None:
            book.acknowledge[rows.study_id] = now + _ACKNOWLEDGED_AFTER
            free_from = max(free_from or now, now + _ACKNOWLEDGED_AFTER)
        book.free_from[rows.study_id] = free_from
        if away:
            book.deliver[rows.result_id] = START + _AWAY[1]
    return written[-1]


def _drawn(now: datetime, chance: random.Random) -> tuple[ToKeep, bool]:
    """Mostly answered and delivered; some urgent, failed, or while PACS is away.

    Returns
    -------
    The study, and whether somebody acknowledges its flag.
    """
    patient = f"P{chance.randrange(20_000)}"
    kind = chance.random()
    if kind < 0.005:  # failed, and nobody tries again
        failed = ToKeep(now, patient, state=StudyState.FAILED, job=JobState.FAILED, delivery=None)
        return failed, False
    away = _AWAY[0] <= now - START < _AWAY[1]
    delivery = DeliveryState.WAITING if away else DeliveryState.DELIVERED
    if kind < 0.035:
        flagged = ToKeep(
            now, patient, urgency=Urgency.URGENT, flag=FlagState.OPEN, delivery=delivery
        )
        return flagged, kind >= 0.006
    return ToKeep(now, patient, delivery=delivery), True


def _go_on(site: KeptSite, now: datetime, book: _Book) -> None:
    """People acknowledge, and PACS is back."""
    seen = [one for one, at in book.acknowledge.items() if at <= now]
    sent = [one for one, at in book.deliver.items() if at <= now]
    with transaction(site.engine) as session:
        for study_id in seen:
            session.execute(
                update(Flag).where(Flag.study_id == study_id).values(state=FlagState.ACKNOWLEDGED)
            )
            del book.acknowledge[study_id]
        for result_id in sent:
            session.execute(
                update(Delivery)
                .where(Delivery.result_id == result_id)
                .values(state=DeliveryState.DELIVERED)
            )
            del book.deliver[result_id]


def _look(site: KeptSite, now: datetime, book: _Book, after: int) -> int:
    """Compare what went with the book; returns the last event that was looked at."""
    with query(site.engine) as session:
        events = session.execute(
            select(Event.id, Event.study_id)
            .where(Event.id > after, Event.name == "originals_removed")
            .order_by(Event.id)
        ).all()
        assert session.scalar(select(Job.id).limit(1)) is not None
    for _, study_id in events:
        assert study_id is not None
        free_from = book.free_from[study_id]
        if free_from is None or free_from > now:
            book.went_too_early.append(study_id)
    book.gone += len(events)
    return events[-1].id if events else after
