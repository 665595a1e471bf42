"""`make bench`: run every benchmark on this machine and print figures and their JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

from rich.console import Console

from benchmarks.result_objects import measure_result_objects
from benchmarks.study_latency import measure_study_latency
from benchmarks.worklist_queries import measure_worklist


def main() -> None:
    """Run the benchmarks; results are also written to benchmarks/results/."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--slices", type=int, default=300, help="slices of the study (300)")
    parser.add_argument("--runs", type=int, default=3, help="how often the study is sent (3)")
    parser.add_argument(
        "--studies", type=int, default=100_000, help="studies on the worklist page (100000)"
    )
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="work folder")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    measured = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
        "study_latency": measure_study_latency(
            console, arguments.folder, slices=arguments.slices, runs=arguments.runs
        ),
        "result_objects": measure_result_objects(
            console, arguments.folder / "objects", slices=arguments.slices, runs=arguments.runs
        ),
        "worklist": measure_worklist(
            console, arguments.folder / "worklist", studies=arguments.studies, runs=40
        ),
    }
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    path = results / "latest.json"
    path.write_text(json.dumps(measured, indent=2) + "\n")
    console.print(f"Written to {path}")


if __name__ == "__main__":
    main()
