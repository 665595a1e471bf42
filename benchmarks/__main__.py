"""`make bench`: run benchmarks on this machine, and print figures and their JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.flags import measure_flags
from benchmarks.idle import measure_idle
from benchmarks.networks.gpu import measure_networks
from benchmarks.receiving.measure import measure_receiving
from benchmarks.result_objects import measure_result_objects
from benchmarks.retention import measure_retention
from benchmarks.scale.measure import measure_scale
from benchmarks.scorecard import measure_scorecard
from benchmarks.study_latency import measure_study_latency
from benchmarks.viewers.measure import measure_viewers
from benchmarks.worklist_queries import measure_worklist

_Measure = Callable[[Console, argparse.Namespace], dict[str, Any]]

_PARTS: dict[str, _Measure] = {
    "study_latency": lambda console, given: measure_study_latency(
        console,
        given.folder,
        slices=given.slices,
        runs=given.runs,
        real=given.study,
        images_per_s=given.images_per_s,
    ),
    "receiving": lambda console, given: measure_receiving(
        console,
        given.folder / "receiving",
        runs=max(given.runs, 5),
        instances=given.instances,
        base=given.base,
    ),
    "result_objects": lambda console, given: measure_result_objects(
        console, given.folder / "objects", slices=given.slices, runs=given.runs
    ),
    "worklist": lambda console, given: measure_worklist(
        console, given.folder / "worklist", studies=given.studies, runs=20
    ),
    "scorecard": lambda console, given: measure_scorecard(
        console, given.folder / "scorecard", studies=given.scorecard_studies, runs=40
    ),
    "retention": lambda console, given: measure_retention(
        console, given.folder / "retention", studies=given.retention_studies, runs=20
    ),
    "flags": lambda console, given: measure_flags(
        console,
        given.folder / "flags",
        study=given.study,
        routine=given.routine,
        hospital=given.hospital,
        skip=given.skip,
    ),
    "scale": lambda console, given: measure_scale(
        console,
        given.folder / "scale",
        slices=given.slices,
        runs=given.runs,
        hospital=given.hospital,
    ),
    "idle": lambda console, given: measure_idle(
        console, given.folder / "idle", studies=given.idle_studies, seconds=given.idle_seconds
    ),
    "gpu": lambda console, given: measure_networks(console, slices=given.slices, runs=given.runs),
    "viewer": lambda console, given: measure_viewers(
        console, given.folder / "viewer", slices=given.slices, runs=max(given.runs, 5)
    ),
}
_ONLY_WHEN_NAMED = {
    "flags",
    "gpu",
    "idle",
    "retention",
    "scale",
    "viewer",
}  # minutes more, or programs of their own


def main() -> None:
    """Run the benchmarks; results are also written to benchmarks/results/."""
    given = _arguments()
    console = Console(highlight=False)
    names = given.parts or [name for name in _PARTS if name not in _ONLY_WHEN_NAMED]
    measured: dict[str, Any] = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
        **{name: _PARTS[name](console, given) for name in names},
    }
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    path = results / ("latest.json" if not given.parts else f"{'-'.join(names)}.json")
    path.write_text(json.dumps(measured, indent=2) + "\n")
    console.print(f"Written to {path}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"which ones: {', '.join(_PARTS)}; "
        "all except flags, gpu, idle, retention, scale and viewer when none is named",
    )
    parser.add_argument("--slices", type=int, default=300, help="slices of the study (300)")
    parser.add_argument("--runs", type=int, default=3, help="how often the study is sent (3)")
    parser.add_argument(
        "--studies", type=int, default=30_000, help="studies on the worklist page (30000)"
    )
    parser.add_argument(
        "--scorecard-studies", type=int, default=8000, help="studies of the scorecard (8000)"
    )
    parser.add_argument(
        "--retention-studies", type=int, default=30_000, help="studies of the year (30000)"
    )
    parser.add_argument(
        "--instances", type=int, default=300, help="instances of one run of receiving (300)"
    )
    parser.add_argument(
        "--idle-studies", type=int, default=3, help="studies that an idle one has read (3)"
    )
    parser.add_argument(
        "--idle-seconds", type=float, default=60.0, help="how long an idle one is seen (60)"
    )
    parser.add_argument(
        "--study", type=Path, help="folder of a chest CT, for study_latency and flags (a phantom)"
    )
    parser.add_argument(
        "--images-per-s", type=float, help="pace of the scanner in study_latency (no pause)"
    )
    parser.add_argument("--base", type=Path, help="source tree of another version, for receiving")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="work folder")
    flags = parser.add_argument_group("flags")
    flags.add_argument("--routine", type=int, default=20, help="studies before the urgent one (20)")
    flags.add_argument(
        "--hospital", action="store_true", help="with PostgreSQL and Redis; scale too"
    )
    flags.add_argument("--skip", choices=("latency", "order"), help="measure only the other")
    given = parser.parse_args()
    if unknown := [name for name in given.parts if name not in _PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    return given


if __name__ == "__main__":
    main()
