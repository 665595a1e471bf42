"""Measures the time from the last C-STORE response of a study to its results in PACS, by step.

The peer that the figures are set against is dcmtk's storescu sending the same study to the same
Orthanc in the same run: what a hospital waits for anyway. Nagle's algorithm is off at both ends.
Five studies are sent before the first that counts: from them Firstread learns how long it has to
wait for this sender, as it does at a site.
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from pydicom import dcmread
from pydicom.uid import generate_uid
from rich.console import Console
from rich.table import Table

from benchmarks.idle import part_of
from database.events import EventRow
from database.session import query
from database.views.demo_rows import study_answers
from firstread.demo.pacs import WITHOUT_NAGLE
from firstread.demo.stage import SCANNER_AE_TITLE, DemoFailed, Ports, Stage, set_up_stage
from firstread.send import send_folder
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from settings.served_process import ServedProcess
from tests.peers.programs import find_program

_STEPS = ("assemble", "wait", "select", "decode", "infer", "encode", "send")
_EVENTS = ("queued", "claimed", "selected", "decoded", "inferred", "encoded", "delivered")
_LIMIT_S = 300.0
_LENGTH_MM = 300.0
_LEARNT_FROM = 5  # studies; docs/decisions/0053


@dataclass(frozen=True)
class Latency:
    """One run, in seconds. `total` is the sum of the steps: from last response to stored.

    `flag` is from the last response until the study is flagged; None where it is not.
    """

    receive: float
    assemble: float
    wait: float
    select: float
    decode: float
    infer: float
    encode: float
    send: float
    total: float
    flag: float | None


def measure_study_latency(
    console: Console,
    folder: Path,
    *,
    slices: int,
    runs: int,
    real: Path | None = None,
    images_per_s: float | None = None,
) -> dict[str, Any]:
    """Send a study several times, as different ones, and time each.

    Parameters
    ----------
    slices : of a phantom of 512 x 512
    real : folder of a study to send in its place
    images_per_s : how fast a scanner makes them; None to send without a pause
    """
    stage_folder, studies = folder / "stage", folder / "studies"
    shutil.rmtree(studies, ignore_errors=True)
    write = _phantoms(console, slices) if real is None else partial(_write_again, real)
    measured: list[Latency] = []
    with set_up_stage(stage_folder, Ports(), say=console.print) as stage:
        for run in range(_LEARNT_FROM + runs):
            study = studies / str(run)
            write(study, str(run))
            latency = _measure(stage, study, images_per_s)
            if run >= _LEARNT_FROM:
                measured.append(latency)
            if run > 0:
                shutil.rmtree(study)
        reference_s = _storescu_to_pacs(stage, studies / "0")
        provider = _provider(stage)
        peak_mb = _peak_mb()
    _print(console, measured, reference_s, peak_mb)
    return {
        "slices": len(list((studies / "0").iterdir())),
        "images_per_s": images_per_s,
        "execution_provider": provider,
        "pacs": stage.pacs.name,
        "runs": [asdict(one) for one in measured],
        "median_total_s": statistics.median(one.total for one in measured),
        "analysis_peak_mb": peak_mb,
        "storescu_to_pacs_s": reference_s,
        "ratio_to_storescu": statistics.median(one.total for one in measured) / reference_s
        if reference_s
        else None,
    }


def _phantoms(console: Console, slices: int) -> Callable[[Path, str], None]:
    """What writes one phantom as the study that a word names."""
    console.print(f"Making a phantom of {slices} slices")
    phantom = make_phantom(grid=phantom_grid((slices, 512, 512), (_LENGTH_MM / slices, 0.7, 0.7)))

    def write(folder: Path, name: str) -> None:
        write_phantom_study(phantom, folder, identity=StudyIdentity.of(phantom, salt=name))

    return write


def _write_again(real: Path, folder: Path, name: str) -> None:
    """A study under UIDs of its own, which follow from a word."""
    folder.mkdir(parents=True)
    for path in sorted(real.iterdir()):
        image = dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(image, keyword, generate_uid(entropy_srcs=[name, str(image[keyword].value)]))
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(folder / path.name)


def _measure(stage: Stage, study: Path, images_per_s: float | None) -> Latency:
    with query(stage.engine) as session:
        known = {answer.study_instance_uid for answer in study_answers(session)}
    began = time.monotonic()

    def keep_pace(done: int, total: int) -> None:
        if images_per_s is not None and done < total:
            due = began + done / images_per_s
            time.sleep(max(due - time.monotonic(), 0.0))  # the scanner's pace is what is tried

    send_folder(
        study,
        host="127.0.0.1",
        port=stage.settings.dicom_port,
        called_ae_title=stage.settings.ae_title,
        calling_ae_title=SCANNER_AE_TITLE,
        on_progress=keep_pace,
    )
    answered = datetime.now(UTC)
    receive = time.monotonic() - began

    def delivered() -> bool:
        with query(stage.engine) as session:
            new = [one for one in study_answers(session) if one.study_instance_uid not in known]
        return bool(new) and all(one.ended for one in new)

    events = [
        event
        for event in stage.follow(delivered, _LIMIT_S)
        if event.study_instance_uid is not None and event.study_instance_uid not in known
    ]
    return _latency(receive, answered, events)


def _latency(receive: float, answered: datetime, events: list[EventRow]) -> Latency:
    at = {event.name: event.at for event in events}
    missing = [name for name in _EVENTS if name not in at]
    if missing:
        raise DemoFailed(f"The study did not get through: no {', '.join(missing)}")
    moments = [answered, *(at[name] for name in _EVENTS)]
    steps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
    named = dict(zip(_STEPS, steps, strict=True))
    flagged = at.get("flag_raised")
    flag = None if flagged is None else (flagged - answered).total_seconds()
    return Latency(receive=receive, **named, total=sum(steps), flag=flag)


def _storescu_to_pacs(stage: Stage, study: Path) -> float | None:
    """Seconds that dcmtk takes to send the study to the same PACS; None without dcmtk."""
    program = find_program("storescu")
    if program is None:
        return None
    peer = stage.pacs.peer
    began = time.monotonic()
    subprocess.run(
        # -xs: JPEG Lossless too, which an archive may have made of it.
        [program, "-xs", "-aec", peer.ae_title, "+sd", "127.0.0.1", str(peer.port), str(study)],
        check=True,
        capture_output=True,
        env=os.environ | WITHOUT_NAGLE,
    )
    return time.monotonic() - began


def _peak_mb() -> float:
    """The most that the process held which reads studies, proc_pid_status(5) `VmHWM`."""
    peaks = [
        int(line.split()[1]) / 1000
        for process in psutil.Process().children(recursive=True)
        if part_of(process.pid) == ServedProcess.ANALYSIS
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(peaks)


def _provider(stage: Stage) -> str:
    with query(stage.engine) as session:
        return study_answers(session)[0].execution_provider


def _print(
    console: Console, measured: list[Latency], reference_s: float | None, peak_mb: float
) -> None:
    table = Table("Step", *(f"Run {k + 1}, s" for k in range(len(measured))), "Median, s")
    for name in ("receive", *_STEPS, "total", "flag"):
        values = [value for one in measured if (value := getattr(one, name)) is not None]
        if not values:
            continue
        cells = [f"{value:.2f}" for value in (*values, statistics.median(values))]
        table.add_row(f"[bold]{name}[/]" if name == "total" else name, *cells)
    console.print(table)
    console.print(f"The process that reads held at most {peak_mb:.0f} MB")
    if reference_s:
        total = statistics.median(one.total for one in measured)
        console.print(
            f"storescu to the same PACS: {reference_s:.2f} s; "
            f"our total is {total / reference_s:.2f} times that"
        )
