"""`make bench BASE=REF`: measures another version and this one in turn, and compares the medians.

The other version's source is a worktree of that commit, with the benchmarks and the builders of
this one, so that both are measured by the same programs, with the same packages. `receiving` has
both among its receivers and measures them in the same runs; of any other part each version runs
once in each turn, the one that begins alternating.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_HERE: Final = Path(__file__).resolve().parents[1]
_OF_THIS_VERSION: Final = ("benchmarks", "tests")
_RECEIVING: Final = "receiving"
_Figures = dict[str, list[float]]


def main() -> None:
    """Compare; the figures also go to benchmarks/results/compared.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("base", help="a commit, tag or branch")
    parser.add_argument("parts", nargs="*", metavar="PART", help="as of python -m benchmarks")
    parser.add_argument("--turns", type=int, default=5, help="how often each version runs (5)")
    parser.add_argument("--folder", type=Path, default=_HERE / "build" / "bench")
    given, options = parser.parse_known_args()
    parts = given.parts or [_RECEIVING]
    tree = _worktree(given.base, given.folder.resolve())
    if _RECEIVING in parts:
        _run(_HERE, [_RECEIVING, "--base", str(tree), "--runs", str(given.turns), *options])
    if others := [one for one in parts if one != _RECEIVING]:
        _compare(tree, given.base, others, options, given.turns)


def _compare(tree: Path, base: str, parts: list[str], options: list[str], turns: int) -> None:
    figures: dict[Path, _Figures] = {_HERE: {}, tree: {}}
    for turn in range(turns):
        for version in (_HERE, tree) if turn % 2 else (tree, _HERE):
            measured = _run(version, [*parts, "--runs", "1", *options])
            for name, value in _leaves(measured):
                figures[version].setdefault(name, []).append(value)
    compared = {
        name: {
            "base": statistics.median(figures[tree][name]),
            "now": statistics.median(values),
            "base_runs": figures[tree][name],
            "now_runs": values,
        }
        for name, values in figures[_HERE].items()
        if name in figures[tree]
    }
    (_HERE / "benchmarks" / "results" / "compared.json").write_text(json.dumps(compared, indent=2))
    table = Table("figure", base, "now", "now is")
    for name, one in compared.items():
        before, now = float(one["base"]), float(one["now"])  # type: ignore[arg-type]
        ratio = f"{now / before:.2f} ×" if before else ""
        table.add_row(name, f"{before:.4g}", f"{now:.4g}", ratio)
    Console(highlight=False).print(table)


def _worktree(base: str, folder: Path) -> Path:
    """The source of a commit, with our benchmarks; made anew each time."""
    commit = _git("rev-parse", "--verify", f"{base}^{{commit}}")
    tree = folder / "base" / commit[:12]
    if tree.exists():
        _git("worktree", "remove", "--force", str(tree))
    tree.parent.mkdir(parents=True, exist_ok=True)
    _git("worktree", "prune")
    _git("worktree", "add", "--detach", str(tree), commit)
    for name in _OF_THIS_VERSION:
        shutil.rmtree(tree / name)
        shutil.copytree(_HERE / name, tree / name, ignore=shutil.ignore_patterns("results"))
    return tree


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_HERE, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(tree: Path, arguments: list[str]) -> dict[str, Any]:
    subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=tree,
        check=True,
        env=os.environ | {"PYTHONPATH": str(tree)},
    )
    newest = max((tree / "benchmarks" / "results").glob("*.json"), key=os.path.getmtime)
    found: dict[str, Any] = json.loads(newest.read_text())
    return found


def _leaves(found: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in a report, by their path; those of single runs are left out."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key not in ("machine", "runs"):
                yield from _leaves(value, f"{name}.{key}".lstrip("."))
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield name, float(found)


if __name__ == "__main__":
    main()
