"""Measures how many instances a second are received durably, from one sender and from four.

The senders wait for each answer; one more proposes a window, and sends as many without an answer as
the receiver agrees to, which of these is Firstread alone.
All receivers run at once and are sent to in turn, in every run in another order, so that what else
the machine does falls on all of them. A figure is a ratio of two medians of the same runs. The
floor is the system calls alone: no network, no DICOM, one instance after the other.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.receiving.receivers import REPOSITORY, Receiver, running_receivers
from dicom_node.whole_flush import WholeFlush

_FLOOR: Final = "system calls alone"
_OURS: Final = "Firstread"
_BASE: Final = "Firstread at BASE"
_BYTES: Final = 526_000
_LIMIT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Way:
    """How instances are sent.

    Attributes
    ----------
    window : requests without an answer that each sender proposes (PS3.7 Annex D.3.3.3)
    """

    senders: int
    window: int = 1

    def __str__(self) -> str:
        named = f"{self.senders} sender" + "s" * (self.senders > 1)
        return named if self.window == 1 else f"{named}, window of {self.window}"


_WAYS: Final = (Way(1), Way(4), Way(1, window=16))


@dataclass(frozen=True, slots=True)
class Received:
    """One run: of all senders together."""

    rate: float
    processor_ms: float
    wait_ms: float


def measure_receiving(
    console: Console,
    folder: Path,
    *,
    runs: int,
    instances: int = 300,
    base: Path | None = None,
) -> dict[str, Any]:
    """Send instances of 0.5 MB to each receiver, in each way, in turn.

    Parameters
    ----------
    folder : on the disk that is measured
    instances : in one run, of all senders together
    runs : how often; one before warms up and is not counted
    base : the source tree of another version of Firstread, to be measured in the same run
    """
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    trees = {_OURS: REPOSITORY} | ({_BASE: base} if base else {})
    found: dict[tuple[str, Way], list[Received]] = {}
    with running_receivers(folder, trees) as receivers:
        for run in range(runs + 1):
            turn = receivers[run % len(receivers) :] + receivers[: run % len(receivers)]
            for way in _WAYS:
                for receiver in turn:
                    received = _receive(receiver, way, instances)
                    if run > 0:
                        found.setdefault((receiver.name, way), []).append(received)
            if run > 0:
                found.setdefault((_FLOOR, _WAYS[0]), []).append(_floor(folder / "floor", instances))
        memory = {one.name: one.most_memory_mb() for one in receivers}
        durable = {one.name: one.durable for one in receivers}
    _print(console, found, memory, durable)
    return _report(found, memory, durable, instances)


def _receive(receiver: Receiver, way: Way, instances: int) -> Received:
    study = time.time_ns()
    used = receiver.processor_s()
    scanners = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.receiving.scanner"),
                *(str(receiver.port), receiver.called, str(study + k)),
                *(str(instances // way.senders), str(way.window)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )
        for k in range(way.senders)
    ]
    try:
        for scanner in scanners:
            assert scanner.stdout is not None
            assert scanner.stdout.readline() == "ready\n", receiver.process.log_tail()
        for scanner in scanners:
            assert scanner.stdin is not None
            scanner.stdin.write("go\n")
            scanner.stdin.flush()
        said = [json.loads(one.communicate(timeout=_LIMIT_S)[0]) for one in scanners]
    finally:
        for scanner in scanners:
            scanner.kill()
    taken_s = max(one[1] for one in said) - min(one[0] for one in said)
    return Received(
        rate=instances / taken_s,
        processor_ms=1000 * (receiver.processor_s() - used) / instances,
        wait_ms=statistics.median(wait for one in said for wait in one[2]),
    )


def _floor(folder: Path, instances: int) -> Received:
    """Write, rename, commit a row, flush all of it at once: nothing else, one after the other."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "incoming").mkdir(parents=True)
    (folder / "placed").mkdir()
    content = os.urandom(_BYTES)
    database = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")  # the flush of everything is of the log too
    database.execute("CREATE TABLE instance (uid TEXT PRIMARY KEY, path TEXT)")
    whole = WholeFlush(folder)
    waits, used, began = [], time.process_time(), time.monotonic()
    for number in range(instances):
        started = time.monotonic()
        begun, placed = folder / "incoming" / f"{number}", folder / "placed" / f"{number}"
        descriptor = os.open(begun, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, content)
        os.close(descriptor)
        begun.rename(placed)
        database.execute("INSERT INTO instance VALUES (?, ?)", (str(number), str(placed)))
        whole.flush()
        waits.append(1000 * (time.monotonic() - started))
    taken_s = time.monotonic() - began
    database.close()
    whole.close()
    processor_ms = 1000 * (time.process_time() - used) / instances
    return Received(instances / taken_s, processor_ms, statistics.median(waits))


def _print(
    console: Console,
    found: Mapping[tuple[str, Way], list[Received]],
    memory: Mapping[str, float],
    durable: Mapping[str, str],
) -> None:
    for way in _WAYS:
        ours = _rate(found[_OURS, way])
        table = Table(
            *(str(way), "durable at Success", "a second"),
            *("lowest to highest", "Firstread is", "wait, ms", "processor, ms", "memory, MB"),
        )
        for (name, of), all_runs in found.items():
            if of != way:
                continue
            rates = [one.rate for one in all_runs]
            table.add_row(
                name,
                durable.get(name, "file, folder, row"),
                f"{_rate(all_runs):.0f}",
                f"{min(rates):.0f} to {max(rates):.0f}",
                f"{ours / _rate(all_runs):.2f} ×",
                f"{statistics.median(one.wait_ms for one in all_runs):.1f}",
                f"{statistics.median(one.processor_ms for one in all_runs):.2f}",
                f"{memory[name]:.0f}" if name in memory else "",
            )
        console.print(table)


def _rate(all_runs: list[Received]) -> float:
    return statistics.median(one.rate for one in all_runs)


def _report(
    found: Mapping[tuple[str, Way], list[Received]],
    memory: Mapping[str, float],
    durable: Mapping[str, str],
    instances: int,
) -> dict[str, Any]:
    return {
        "instances": instances,
        "instance_bytes": _BYTES,
        "memory_mb": dict(memory),
        "durable_at_success": dict(durable),
        "ways": {
            str(way): {
                name: {
                    "median_a_second": _rate(all_runs),
                    "firstread_is_times": _rate(found[_OURS, way]) / _rate(all_runs),
                    "runs": [asdict(one) for one in all_runs],
                }
                for (name, of), all_runs in found.items()
                if of == way
            }
            for way in _WAYS
        },
    }
