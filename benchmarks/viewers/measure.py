"""The viewer of the study page beside OHIF: the same slices, server, browser and run.

*First picture* is from the request of the page to the first slice on the screen, of full resolution
and with its window, in a browser that knows nothing of the page: in ours that is the picture which
the page has before its viewer. *Wheel answered* is from the same request until the wheel, turned
from the first picture on, has brought another slice. *Scrolling* turns the wheel by one slice for
each frame of the screen. Beside what passed stands the processor time of the page's own thread: on
a machine that does other work too, it is the figure that says something about the viewer.

OHIF is what Firstread serves from its own DICOMweb. As it comes it draws with WebGL, which is
SwiftShader's here: a PC with a graphics card does that part elsewhere. So it is measured a second
time as it draws without WebGL.
"""

from __future__ import annotations

import os
import shutil
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.viewers.opened import measure_opening, viewers
from benchmarks.viewers.served import served_study

Spread = dict[str, float]  # "median", "lowest" and "highest" of the runs
_COMPARED = (
    "first_picture_ms",
    "first_picture_processor_ms",
    "wheel_answered_ms",
    "wheel_answered_processor_ms",
    "scrolling_ms",
    "scrolling_processor_ms_a_slice",
    "median_frame_ms",
    "longest_frame_ms",
)


def measure_viewers(console: Console, folder: Path, *, slices: int, runs: int) -> dict[str, Any]:
    """Open the study so many times in each viewer, in turn, each time in a fresh browser.

    Raises
    ------
    OhifNotInstalled, ViewerTooSlow
        With what to do, or what was waited for.
    """
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found: dict[str, list[dict[str, float]]] = {}
    load = os.getloadavg()[0]
    with served_study(console, folder, slices) as served:
        for run in range(1, runs + 1):
            for viewer in viewers(served.ours, served.ohif):
                figures = measure_opening(viewer, served.address, slices)
                found.setdefault(viewer.name, []).append(figures)
                console.print(f"Run {run} of {runs}, {viewer.name}: {_briefly(figures)}")
    measured = {name: _spreads(all_runs) for name, all_runs in found.items()}
    ratios = _ratios(measured)
    console.print(_table(measured, ratios))
    console.print(f"Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after")
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "slices": slices,
        "runs": runs,
        "load": {"before": load, "after": os.getloadavg()[0]},
        "viewers": measured,
        "ratio_to_the_quicker_ohif": ratios,
    }


def _briefly(figures: dict[str, float]) -> str:
    return (
        f"first picture {figures['first_picture_ms']:.0f} ms, "
        f"wheel answered {figures['wheel_answered_ms']:.0f} ms, "
        f"{figures['scrolled_slices']:.0f} slices scrolled, all in "
        f"{figures['scrolling_ms'] / 1000:.1f} s, "
        f"longest frame {figures['longest_frame_ms']:.0f} ms"
    )


def _spreads(runs: list[dict[str, float]]) -> dict[str, Spread]:
    return {key: _spread([one[key] for one in runs]) for key in runs[0]}


def _spread(values: list[float]) -> Spread:
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def _ratios(measured: dict[str, dict[str, Spread]]) -> dict[str, float]:
    """What ours takes of what the quicker OHIF takes, by medians."""
    ours, *others = measured.values()
    return {
        key: ours[key]["median"] / min(one[key]["median"] for one in others) for key in _COMPARED
    }


def _table(measured: dict[str, dict[str, Spread]], ratios: dict[str, float]) -> Table:
    """Medians, and the lowest and highest behind them."""
    table = Table("", *measured, "ratio", title="median (lowest to highest)")
    for key in next(iter(measured.values())):
        cells = (
            f"{one[key]['median']:.1f} ({one[key]['lowest']:.1f} to {one[key]['highest']:.1f})"
            for one in measured.values()
        )
        table.add_row(key.replace("_", " "), *cells, f"{ratios[key]:.2f}" if key in ratios else "")
    return table
