"""Measures what a whole embedded Firstread costs while nothing comes: memory and processor time.

Firstread is started by its own command, has read a few studies, and is left alone before it is
looked at. Memory is the proportional set size of each process, `Pss` of `/proc/PID/smaps_rollup`
(proc(5)): what several processes share counts once in the sum.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from database.session import open_engine, query
from database.views.demo_rows import study_answers
from firstread.demo.pacs import free_port, running_pacs
from firstread.demo.stage import SCANNER_AE_TITLE
from firstread.send import send_folder
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from settings.environment import PREFIX
from settings.served_process import ServedProcess
from tests.peers.waiting import wait_until

_LIMIT_S = 900.0
_MIB = 1024.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_OURS = "FIRSTREAD"


@dataclass(frozen=True)
class ProcessCost:
    """One process: its part, what it holds, and what it took of a core.

    `processor_s` is of one minute, with what children took that ended meanwhile.
    """

    part: str
    pss_mib: float
    processor_s: float


def measure_idle(console: Console, folder: Path, *, studies: int, seconds: float) -> dict[str, Any]:
    """Read a few small studies, wait, and look at every process for some time.

    Parameters
    ----------
    seconds : how long nothing happens before the look, and how long the look lasts
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _running(folder) as (program, port):
        _let_read(folder, port, studies)
        console.print(f"{studies} studies are read; nothing comes for {seconds:.0f} s")
        time.sleep(seconds)  # what follows the last study is over by then: nothing says so
        before, began = _processor_s(program.pid), time.monotonic()
        time.sleep(seconds)  # the span that is measured
        minutes = (time.monotonic() - began) / 60
        costs = [
            ProcessCost(
                part=part_of(process),
                pss_mib=_pss_mib(process),
                processor_s=(spent - before.get(process, 0.0)) / minutes,
            )
            for process, spent in _processor_s(program.pid).items()
        ]
    total = ProcessCost(
        "all", sum(one.pss_mib for one in costs), sum(one.processor_s for one in costs)
    )
    table = Table("Process", "PSS, MiB", "Processor, s a minute")
    for cost in (*costs, total):
        table.add_row(cost.part, f"{cost.pss_mib:.0f}", f"{cost.processor_s:.2f}")
    console.print(table)
    return {
        "studies": studies,
        "seconds": seconds,
        "load": os.getloadavg()[0],
        "processes": [asdict(one) for one in costs],
        "pss_mib": total.pss_mib,
        "share_of_a_core": total.processor_s / 60,
    }


@contextmanager
def _running(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`firstread serve` on an empty folder, and the port of its node."""
    dicom_port, worklist_port = free_port(), free_port()
    with running_pacs(folder / "pacs", our_ae_title=_OURS, our_port=dicom_port) as pacs:
        peers = [
            f'{{"name": "scanner", "ae_title": "{SCANNER_AE_TITLE}"}}',
            pacs.peer.model_dump_json(exclude_unset=True),
        ]
        given = {
            "DATA_FOLDER": str(folder / "data"),
            "AE_TITLE": _OURS,
            "DICOM_HOST": "127.0.0.1",
            "DICOM_PORT": str(dicom_port),
            "WORKLIST_PORT": str(worklist_port),
            "MIN_FREE_BYTES": "500000000",
            "PEERS": f"[{', '.join(peers)}]",
        }
        with (folder / "firstread.log").open("wb") as log:
            program = subprocess.Popen(
                [sys.executable, "-m", "firstread", "serve"],
                env=_environment(given),
                stdout=log,
                stderr=log,
            )
        try:
            page = f"http://127.0.0.1:{worklist_port}/health"
            wait_until(lambda: _answers(page), what="the page", limit_s=_LIMIT_S)
            yield program, dicom_port
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(timeout=60)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return clean | {PREFIX + name: value for name, value in given.items()}


def _answers(page: str) -> bool:
    try:
        return httpx.get(page, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _let_read(folder: Path, port: int, studies: int) -> None:
    phantom = make_phantom(grid=phantom_grid((40, 256, 256), (7.0, 1.4, 1.4)))
    for number in range(studies):
        study = folder / "studies" / str(number)
        write_phantom_study(phantom, study, identity=StudyIdentity.of(phantom, salt=str(number)))
        send_folder(
            study,
            host="127.0.0.1",
            port=port,
            called_ae_title=_OURS,
            calling_ae_title=SCANNER_AE_TITLE,
        )
    engine = open_engine(f"sqlite:///{folder / 'data' / 'firstread.sqlite'}")

    def all_ended() -> bool:
        with query(engine) as session:
            answers = study_answers(session)
        return len(answers) == studies and all(one.ended for one in answers)

    wait_until(all_ended, what="the end of every study", limit_s=_LIMIT_S)
    engine.dispose()


def _processor_s(root: int) -> dict[int, float]:
    """Seconds of processor time so far, of a process and of all that descend from it."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # proc(5): the name is in brackets and may hold any; utime, stime, cutime, cstime are 14-17
        fields = text.rpartition(")")[2].split()
        process = int(entry.name)
        parents[process] = int(fields[1])
        seconds[process] = sum(int(field) for field in fields[11:15]) / _TICKS_PER_S
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {process: seconds[process] for process in sorted(found)}


def part_of(process: int) -> str:
    """The part of Firstread that a process is: by its command line where a part is a program of its
    own, else by its name."""
    words = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
    if "--only" in words:
        return words[words.index("--only") + 1]
    name = Path(f"/proc/{process}/comm").read_text().strip()
    return name if name in set(ServedProcess) else "serve"


def _pss_mib(process: int) -> float:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / _MIB
    raise ValueError(f"process {process} has no Pss")
