"""Processor seconds of other programs, and what a day of studies needs."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.scale.costs import StudyCost
from benchmarks.scale.day import HOURS, mean_slices
from benchmarks.scale.needs import kept_of, needs_of
from benchmarks.scale.processors import ProcessorTrace

_BURNS = """
import subprocess, sys, time
def burn(seconds):
    while time.process_time() < seconds:
        pass
if sys.argv[1] == "parent":
    sys.stdin.readline()
    subprocess.run([sys.executable, sys.argv[2], "child", sys.argv[2]], check=True)
burn(0.4)
print(time.process_time(), flush=True)
if sys.argv[1] == "parent":
    sys.stdin.readline()
"""


def test_the_seconds_of_a_program_and_of_what_it_has_started(tmp_path: Path) -> None:
    """Both say by their own clocks what they took; the child has ended when it is looked at."""
    file = tmp_path / "burns.py"
    file.write_text(_BURNS)
    command = [sys.executable, str(file), "parent", str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        with ProcessorTrace([program.pid]) as trace:
            began = datetime.now(UTC)
            program.stdin.write("begin\n")
            program.stdin.flush()
            said = [float(program.stdout.readline()) for _ in range(2)]
            ended = datetime.now(UTC)
        program.stdin.write("\n")
        program.stdin.flush()
        program.wait(timeout=60)
    # The parent may have begun to start before; the kernel's clock ticks a hundred times a second
    assert trace.between(began, ended) == pytest.approx(sum(said), abs=0.35)
    assert trace.between(began, ended) > 0.7


def test_what_a_day_needs() -> None:
    """By hand: 8,640 studies a day are one in ten seconds."""
    cost = StudyCost(
        slices=300,
        side=512,
        studies=1,
        parts_s={"analysis": 20.0, "node": 2.0, "delivery": 1.0, "housekeeping": 0.5},
        steps_s={},
        idle=0.0,
        received_bytes=150e6,
        kept_bytes=50e6,
        database_bytes=100e3,
        rows={"instance": 300.0, "event": 20.0},
    )
    larger = mean_slices() / 300
    needs = {one.what: one for one in needs_of(cost, studies=8640, network_s=12.0)}
    assert needs["analysis, networks on processors"].average == pytest.approx(2.0 * larger)
    assert needs["analysis beside networks on GPUs"].average == pytest.approx(0.8 * larger)
    assert needs["all other parts"].average == pytest.approx(0.15 * larger)
    assert needs["images received"].average == pytest.approx(15.0 * larger)
    assert needs["rows written"].average == pytest.approx(32.0 * larger)
    claimed = needs["jobs claimed"]
    assert claimed.average == pytest.approx(0.1)
    assert claimed.busiest == pytest.approx(0.1 * max(HOURS) / (sum(HOURS) / 24))
    kept = kept_of(cost, studies=8640, originals_days=30, slices_days=90, database_days=365)
    assert [one.days for one in kept] == [30, 90, 365]
    assert kept[0].terabytes == pytest.approx(8640 * 30 * 150e6 * larger / 1e12)
