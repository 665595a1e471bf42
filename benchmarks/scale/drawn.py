"""The pictures of docs/scale.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib

from benchmarks.scale.backlog import Backlog
from benchmarks.scale.day import HOURS, DayFigures

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import Patch

_BLUE, _RED, _GREY = "#1f5f8b", "#b3402f", "#9aa3ab"
_DPI: Final = 110


def draw_backlog(path: Path, measured: Backlog, compared: Backlog) -> None:
    """When each of the studies that waited had its answer, by either order; the last is urgent."""
    figure, axes = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    for backlog, colour, down in ((compared, _GREY, 0.18), (measured, _BLUE, -0.18)):
        places = [number + down for number in range(1, len(backlog.answered_s) + 1)]
        colours = [colour] * (len(places) - 1) + [_RED]
        axes.barh(places, backlog.answered_s, height=0.34, color=colours)
    axes.set_ylim(len(measured.answered_s) + 0.6, 0.4)
    axes.set_xlabel("seconds until the answer and its flag")
    axes.set_ylabel("study, as it came")
    axes.set_yticks(range(1, len(measured.answered_s) + 1))
    words = ((measured.rule, _BLUE), (compared.rule, _GREY), ("the urgent study, by either", _RED))
    handles = [Patch(color=colour, label=word) for word, colour in words]
    axes.legend(handles=handles, frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.8))
    _save(figure, path)


def draw_day(path: Path, studies: int, looked: Sequence[DayFigures]) -> None:
    """The day's studies by hour, and the wait of the urgent ones by the number of workers."""
    figure, (hours, waits) = plt.subplots(1, 2, figsize=(9.0, 3.2), layout="constrained")
    hours.bar(range(24), [studies * share / sum(HOURS) for share in HOURS], color=_GREY)
    hours.set_xlabel("hour of the day")
    hours.set_ylabel("studies in an hour (made)")
    places = [one.workers for one in looked]
    waits.plot(places, [one.routine_95_s for one in looked], "o-", color=_GREY, label="routine")
    waits.plot(places, [one.urgent_95_s for one in looked], "o-", color=_RED, label="urgent")
    waits.set_yscale("log")
    waits.yaxis.set_major_formatter("{x:g}")
    waits.yaxis.set_minor_formatter("{x:g}")
    waits.set_xticks(places)
    waits.set_xlabel("GPUs, a worker each")
    waits.set_ylabel("95 of 100 within, s (computed)")
    waits.legend(frameon=False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
