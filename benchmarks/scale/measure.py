"""What a study costs, what several workers make of it, and a day of 10,000 computed from that.

    python -m benchmarks scale [--slices 300] [--runs 3] [--hospital]

Measured are processor seconds, bytes and rows of one study; studies an hour by one, two and four
workers; ten studies that wait at once, the urgent one last, by our order and first in, first out.
Computed from these, by a simulation that is compared with the measured ten: 10,000 studies a day.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.flags import FIRST_IN_FIRST_OUT, servers_of_size
from benchmarks.scale.backlog import Backlog, run_backlog
from benchmarks.scale.costs import StudyCost, measure_costs
from benchmarks.scale.day import DayFigures, WorkerSeconds, draw_day, figures, mean_slices
from benchmarks.scale.drawn import draw_backlog
from benchmarks.scale.drawn import draw_day as picture_of_day
from benchmarks.scale.needs import KeptBytes, Need, kept_of, needs_of
from benchmarks.scale.reading import ReadingCost, measure_reading
from benchmarks.scale.simulate import (
    LooksFirst,
    QueuedStudy,
    Served,
    first_in_first_out,
    looks_first,
)
from benchmarks.scale.studies import make_studies
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.peers import RequestPriority

_SMALL_SLICES, _SMALL_SIDE, _SIDE = 40, 256, 512
_WAITING: Final = 10
_WORKERS: Final = (1, 2, 4)
_DAY: Final = 10_000
_GPUS: Final = (3, 4, 5, 6, 8, 10)
_GPU_SECONDS: Final = (0.5, 1.0, 2.0)
"""What the networks of one study of 300 slices take a GPU: assumed. No GPU was at hand."""
_LOOK_S: Final = 0.5  # at a study of 300 slices: decision 0028
_OURS, _FIFO = "first looks", "first in, first out"


def measure_scale(
    console: Console, folder: Path, *, slices: int, runs: int, hospital: bool
) -> dict[str, Any]:
    """Measure, simulate, print and draw.

    Parameters
    ----------
    slices : of the study that is costed; those that wait have 40 of 256 × 256
    runs : studies whose cost is averaged
    hospital : the ten wait in PostgreSQL and Redis, started for it; costs are of the embedded size
    """
    folder = folder.resolve()
    reading = measure_reading(slices=slices, side=_SIDE)
    costs = [
        measure_costs(console, folder / "costs", slices=size, side=side, studies=runs)
        for size, side in ((_SMALL_SLICES, _SMALL_SIDE), (slices, _SIDE))
    ]
    _print_costs(console, costs, reading)
    backlogs = _backlogs(console, folder, hospital=hospital)
    simulated = _simulated(backlogs)
    _print_backlogs(console, backlogs, simulated)
    needs = needs_of(costs[-1], studies=_DAY, network_s=reading.network_s)
    kept = _kept(costs[-1])
    days = _days(costs[-1], reading)
    _print_needs(console, needs, kept)
    _print_days(console, days)
    draw_backlog(folder / "scale-ten.png", _named(backlogs, _OURS), _named(backlogs, _FIFO))
    looked = [day for gpu_s, rule, day in days if gpu_s == 1.0 and rule == _OURS]
    picture_of_day(folder / "scale-day.png", _DAY, looked)
    console.print(f"Pictures are in {folder}")
    return {
        "load_of_the_machine": os.getloadavg(),
        "size_of_the_backlogs": "hospital" if hospital else "embedded",
        "measured": {
            "costs": [asdict(one) | {"total_s": one.total_s} for one in costs],
            "reading": asdict(reading),
            "backlogs": [
                asdict(one) | {"studies_an_hour": one.studies_an_hour} for one in backlogs
            ],
        },
        "computed": {
            "ten": simulated,
            "needs": [asdict(one) for one in needs],
            "kept": [asdict(one) for one in kept],
            "days": [{"gpu_s": gpu_s, "rule": rule, **asdict(day)} for gpu_s, rule, day in days],
        },
    }


def _backlogs(console: Console, folder: Path, *, hospital: bool) -> list[Backlog]:
    positive = [False] * _WAITING + [True]  # the first one is not counted
    made = make_studies(folder / "waiting", positive, slices=_SMALL_SLICES, side=_SMALL_SIDE)
    plans: list[tuple[int, str, dict[str, str]]] = [(1, _FIFO, dict(FIRST_IN_FIRST_OUT))]
    plans += [(workers, _OURS, {}) for workers in _WORKERS]
    found = []
    for workers, rule, more in plans:
        with servers_of_size(folder / "servers", hospital=hospital) as size:
            found.append(
                run_backlog(
                    console,
                    folder / "stage",
                    made,
                    workers=workers,
                    rule=rule,
                    more={**size, **more},
                )
            )
    return found


def _named(backlogs: Sequence[Backlog], rule: str) -> Backlog:
    return next(one for one in backlogs if one.rule == rule and one.workers == 1)


def our_order(look_s: float) -> LooksFirst:
    """The order of the queue as the settings have it where nothing is set."""
    settings = Settings()
    routine_s = settings.wait_routine_s
    return LooksFirst(
        {
            RequestPriority.STAT: 0.0,
            RequestPriority.HIGH: settings.wait_high_s,
            RequestPriority.ROUTINE: routine_s,
            RequestPriority.MEDIUM: routine_s,
            RequestPriority.LOW: settings.wait_low_s,
        },
        look_s,
    )


def _simulated(backlogs: Sequence[Backlog]) -> dict[str, dict[str, float]]:
    """The same ten in the simulation, from the measured seconds of a look and a job."""
    found = {}
    for rule in (_FIFO, _OURS):
        measured = _named(backlogs, rule)
        ill = [Urgency.ROUTINE] * (_WAITING - 1) + [Urgency.URGENT]
        studies = [QueuedStudy(0.0, measured.job_s, one) for one in ill]
        served = _served(rule, studies, look_s=measured.look_s, workers=1)
        urgent = next(one for one in served if one.study.urgency is Urgency.URGENT)
        longest = max(one.until_answer for one in served)
        found[rule] = {"urgent_s": urgent.until_answer, "longest_s": longest}
    return found


def _days(cost: StudyCost, reading: ReadingCost) -> list[tuple[float, str, DayFigures]]:
    """A day by GPUs: a worker each, whose processor work is as measured here."""
    beside_s = max(cost.parts_s["analysis"] - reading.network_s, 0.0)
    found = []
    for gpu_s in _GPU_SECONDS:
        studies = draw_day(_DAY, WorkerSeconds(beside_s + gpu_s, cost.slices), seed=1)
        for rule, gpus in itertools.product((_FIFO, _OURS), _GPUS):
            served = _served(rule, studies, look_s=_LOOK_S, workers=gpus)
            found.append((gpu_s, rule, figures(served, workers=gpus)))
    return found


def _served(
    rule: str, studies: Sequence[QueuedStudy], *, look_s: float, workers: int
) -> list[Served]:
    if rule == _FIFO:
        return first_in_first_out(studies, workers=workers)
    return looks_first(studies, our_order(look_s), workers=workers)


def _kept(cost: StudyCost) -> list[KeptBytes]:
    retention = Settings().retention
    return kept_of(
        cost,
        studies=_DAY,
        originals_days=retention.originals_days,
        slices_days=retention.slices_days,
        database_days=365,
    )


def _print_needs(console: Console, needs: Sequence[Need], kept: Sequence[KeptBytes]) -> None:
    table = Table(f"{_DAY} studies a day need", "Unit", "On average", "In the busiest hour")
    for one in needs:
        table.add_row(one.what, one.unit, f"{one.average:.2f}", f"{one.busiest:.2f}")
    for row in kept:
        table.add_row(f"{row.what}, of {row.days:.0f} days", "TB", f"{row.terabytes:.2f}", "")
    console.print(table)


def _print_costs(console: Console, costs: Sequence[StudyCost], reading: ReadingCost) -> None:
    table = Table("Of one study", *(f"{one.slices} × {one.side}²" for one in costs))
    parts = sorted({part for one in costs for part in one.parts_s})
    for part in parts:
        table.add_row(f"{part}, processor s", *(f"{one.parts_s[part]:.2f}" for one in costs))
    for step in costs[0].steps_s:
        table.add_row(f"  {step}", *(f"{one.steps_s[step]:.2f}" for one in costs))
    table.add_row("all parts, processor s", *(f"{one.total_s:.2f}" for one in costs))
    table.add_row("received, MB", *(f"{one.received_bytes / 1e6:.1f}" for one in costs))
    table.add_row("results and slices, MB", *(f"{one.kept_bytes / 1e6:.1f}" for one in costs))
    table.add_row("database, kB", *(f"{one.database_bytes / 1e3:.0f}" for one in costs))
    table.add_row("rows", *(f"{sum(one.rows.values()):.0f}" for one in costs))
    table.add_row("idle, share of a core", *(f"{one.idle:.3f}" for one in costs))
    console.print(table)
    console.print(
        f"Reading {reading.slices} slices in memory: {reading.reading_s:.2f} processor s, of which "
        f"the network {reading.network_s:.2f} for {reading.operations / 1e12:.2f} · 10¹² operations"
    )


def _print_backlogs(
    console: Console, backlogs: Sequence[Backlog], simulated: dict[str, dict[str, float]]
) -> None:
    table = Table(
        "Workers", "Order", "Urgent, s", "Simulated", "Longest, s", "Simulated", "Studies an hour",
        "Processor s a study", "Of the cores", "A look, s", "A job, s",
    )  # fmt: skip
    for one in backlogs:
        alike = simulated[one.rule] if one.workers == 1 else None
        table.add_row(
            str(one.workers),
            one.rule,
            f"{one.urgent_s:.1f}",
            f"{alike['urgent_s']:.1f}" if alike else "",
            f"{one.longest_s:.1f}",
            f"{alike['longest_s']:.1f}" if alike else "",
            f"{one.studies_an_hour:.0f}",
            f"{one.processor_s / len(one.answered_s):.2f}",
            f"{one.processor_s / one.wall_s / len(os.sched_getaffinity(0)):.2f}",
            f"{one.look_s:.2f}",
            f"{one.job_s:.2f}",
        )
    console.print(table)


def _print_days(console: Console, days: Sequence[tuple[float, str, DayFigures]]) -> None:
    table = Table(
        "GPU, s", "Order", "GPUs", "Busy", "Busiest hour", "Urgent: median, 95th, longest, s",
        "Routine: median, 95th, s", "Longest, s", "Most waiting",
    )  # fmt: skip
    for gpu_s, rule, day in days:
        table.add_row(
            f"{gpu_s:.1f}",
            rule,
            str(day.workers),
            f"{day.busy:.2f}",
            f"{day.busiest_hour_busy:.2f}",
            f"{day.urgent_median_s:.0f}, {day.urgent_95_s:.0f}, {day.urgent_longest_s:.0f}",
            f"{day.routine_median_s:.0f}, {day.routine_95_s:.0f}",
            f"{day.longest_s:.0f}",
            str(day.most_waiting),
        )
    console.print(table)
    console.print(f"{_DAY} studies a day of {mean_slices():.0f} slices on average: computed.")
