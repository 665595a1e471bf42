"""Studies that wait all at once, the urgent one last: when each has its answer.

The workers stand still until all studies are queued. Then they go on, and everything that follows
is theirs: first looks and jobs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.scale.processors import ProcessorTrace
from benchmarks.scale.studies import PhantomStudy, send_study
from database.events import EventRow, events_after
from database.session import query
from firstread.demo.stage import Ports, Stage, set_up_stage
from firstread.serve.supervisor import command_of
from settings.environment import PREFIX
from settings.served_process import ServedProcess

_LIMIT_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What became of studies that waited all at once; in seconds after the workers went on.

    Attributes
    ----------
    answered_s : when the answer and flag of each was there, in the order in which they had come
    urgent_s : the last one's, which is the urgent one
    wall_s : until all had theirs
    processor_s : that the analysis took for all of them
    look_s, job_s : medians of what one look and one job had a worker
    """

    workers: int
    rule: str
    answered_s: tuple[float, ...]
    urgent_s: float
    wall_s: float
    processor_s: float
    look_s: float
    job_s: float

    @property
    def longest_s(self) -> float:
        """The longest wait of all."""
        return max(self.answered_s)

    @property
    def studies_an_hour(self) -> float:
        """At this rate."""
        return len(self.answered_s) * 3600.0 / self.wall_s


def run_backlog(
    console: Console,
    folder: Path,
    studies: Sequence[PhantomStudy],
    *,
    workers: int,
    rule: str,
    more: Mapping[str, str],
) -> Backlog:
    """Let studies wait, and have so many workers read them.

    Parameters
    ----------
    studies : the last one is the urgent one
    rule : what `more` makes of the order, for the table
    more : settings, without their prefix
    """
    settings = {f"{PREFIX}{name}": value for name, value in more.items()}
    with (
        set_up_stage(folder, Ports(), say=console.print, more_settings=settings) as stage,
        _analysis(stage, workers) as mains,
    ):
        send_study(stage, studies[0])  # what is loaded once is not counted
        stage.wait(lambda: len(_of(stage, "delivered")) == 1, _LIMIT_S, poll_s=0.2)
        for pid in mains:
            os.kill(pid, signal.SIGSTOP)
        waiting = studies[1:]
        for study in waiting:
            send_study(stage, study)
        stage.wait(lambda: len(_of(stage, "queued")) == len(studies), _LIMIT_S, poll_s=0.2)
        with ProcessorTrace(mains) as trace:
            began = datetime.now(UTC)
            for pid in mains:
                os.kill(pid, signal.SIGCONT)
            stage.wait(lambda: len(_of(stage, "encoded")) == len(studies), _LIMIT_S, poll_s=0.1)
        return _backlog(stage, waiting, trace, began, workers, rule)


def _backlog(
    stage: Stage,
    waiting: Sequence[PhantomStudy],
    trace: ProcessorTrace,
    began: datetime,
    workers: int,
    rule: str,
) -> Backlog:
    claimed = {one.study_instance_uid: one.at for one in _of(stage, "claimed")}
    encoded = {one.study_instance_uid: one.at for one in _of(stage, "encoded")}
    uids = [study.study_instance_uid for study in waiting]
    answered = tuple((encoded[uid] - began).total_seconds() for uid in uids)
    looks = [float(one.facts["seconds"]) for one in _of(stage, "first_look")]
    jobs = [(encoded[uid] - claimed[uid]).total_seconds() for uid in uids]
    return Backlog(
        workers=workers,
        rule=rule,
        answered_s=answered,
        urgent_s=answered[-1],
        wall_s=max(answered),
        processor_s=trace.between(began, max(encoded[uid] for uid in uids)),
        look_s=statistics.median(looks) if looks else 0.0,
        job_s=statistics.median(jobs),
    )


def _of(stage: Stage, name: str) -> list[EventRow]:
    with query(stage.engine) as session:
        return [one for one in events_after(session, 0) if one.name == name]


@contextlib.contextmanager
def _analysis(stage: Stage, workers: int) -> Iterator[list[int]]:
    """The analysis' main processes: that of the stage, and one more with the other workers."""
    own = stage.supervisor.pid(ServedProcess.ANALYSIS)
    if workers == 1:
        yield [own]
        return
    variables = Path(f"/proc/{own}/environ").read_text().rstrip("\0").split("\0")
    environment = dict(one.split("=", 1) for one in variables)
    command = [*command_of(ServedProcess.ANALYSIS), "--concurrency", str(workers - 1)]
    with stage.log.open("ab") as log:
        more = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield [own, more.pid]
        finally:
            more.send_signal(signal.SIGCONT)
            more.terminate()
            more.wait(timeout=60)
