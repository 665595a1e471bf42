"""Runs every part of Firstread as a separate process, and restarts each that dies."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import IO, Any

import typer

from database.accounts.audit import OURSELVES, Actor, record_audit
from database.process_signs import give_signs, process_name
from database.schema import upgrade_schema
from database.session import Engine, open_engine, query, transaction
from database.work_waits import work_waits
from firstread.checks.start import places_of, say_start
from firstread.data_folder import make_data_folder, open_database, served_alone
from firstread.forked_part import (
    ForkedPart,
    RunningPart,
    die_with_parent,
    import_what_parts_share,
)
from firstread.say import REFUSED, errors_to_exit_code
from radiology.errors import DatabaseUnavailable, SettingsRefused
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.served_process import ServedProcess, needed_parts

_log = get_logger("serve")
_POLL_S = 0.2
_STOP_LIMIT_S = 15.0  # then a part that does not end is killed; its work is in the database
_NOT_NOW = 1  # exit code; trying again may help
_FIRST_RESTART_S = 0.5
_LONGEST_RESTART_S = 30.0


def serve_part(settings: Settings, part: ServedProcess, concurrency: int) -> int:
    """Run one part in this process until it is told to stop; returns its exit code.

    That is 2 where the settings do not let it run, and 1 where something is not there for now.
    """
    try:
        engine = open_database(settings)
    except DatabaseUnavailable as error:
        _log.error("part_not_started", not_started=part.value, message=str(error))
        return _NOT_NOW
    make_data_folder(settings.data_folder)
    process = f"{part.value}@{process_name()}"
    _record_activity(engine, "process_started", process)
    engine.dispose()  # no connection survives a fork
    try:
        return _run(settings, engine, part, concurrency)
    finally:
        _record_activity(engine, "process_stopped", process)


def _record_activity(engine: Engine, name: str, process: str) -> None:
    """Note that a part begins or ends (PS3.15 A.5.3.1). It runs too while that cannot be noted."""
    facts: dict[str, Any] = {"process": process, "software": version("firstread")}
    try:
        with transaction(engine) as session:
            record_audit(session, name, datetime.now(UTC), Actor(OURSELVES, "", ""), **facts)
    except DatabaseUnavailable as error:
        _log.error("activity_not_recorded", activity=name, message=str(error))


def _run(settings: Settings, engine: Engine, part: ServedProcess, concurrency: int) -> int:
    if part is ServedProcess.NODE:
        from dicom_node.__main__ import main as run_node

        return run_node()
    if part is ServedProcess.WORKLIST:
        from worklist.__main__ import main as run_worklist

        return run_worklist()
    if part is ServedProcess.HL7:
        from hl7_node.__main__ import main as run_hl7

        return run_hl7()
    if part is ServedProcess.BEAT:
        from worker.celery_app import app
        from worker.tasks.beat import Beat

        def clock() -> datetime:
            return datetime.now(UTC)

        end_signs = give_signs(engine, part.value, clock)
        try:
            Beat(app, engine, settings.sweep_s, clock).run()
        finally:
            end_signs()
    else:
        from worker.tasks.process import run_worker

        threads = 2 * len(settings.flags) + 1  # one for each channel, and room for wake-ups
        run_worker(part.value, threads if part is ServedProcess.FLAGS else concurrency)
    return 0


def serve_all(settings: Settings) -> int:
    """Run every part, restart what dies, and stop all of them on SIGTERM or Ctrl-C.

    The parts are forks of this process: together they hold half of what they would otherwise.
    """
    fork = functools.partial(_fork_part, settings)
    say_start(settings)
    with running(settings, start=fork, prepare=_prepare_forks) as supervisor:
        _log.info(
            "serving",
            **places_of(settings),
            ae_title=settings.ae_title,
            dicom_port=settings.dicom_port,
            worklist=f"http://{settings.worklist_host}:{settings.worklist_port}/",
        )
        watch_until_stopped(supervisor)
    return 0


def _prepare_forks(engine: Engine) -> None:
    with query(engine) as session:  # what SQLAlchemy makes at its first questions is shared too
        work_waits(session, datetime.now(UTC))
    import_what_parts_share()


def _fork_part(settings: Settings, part: ServedProcess) -> RunningPart:
    def run() -> int:
        try:
            with errors_to_exit_code():
                return serve_part(settings, part, concurrency=1)
        except typer.Exit as ended:
            return ended.exit_code

    return ForkedPart(part.value, run)


def watch_until_stopped(supervisor: Supervisor) -> None:
    """Start again what dies, until SIGTERM or Ctrl-C; from then on neither interrupts us.

    What follows is the end of the block that started the parts, which stops them.

    Raises
    ------
    SettingsRefused
        A part says at its first start that the settings do not let it run.
    """
    stop = False

    def _stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    while not stop:
        supervisor.restart_dead()
        if supervisor.refused is not None:
            raise SettingsRefused(
                f"Part {supervisor.refused.value} cannot run as it is set up; its own line in the "
                "log says why"
            )
        time.sleep(_POLL_S)  # a supervisor has nothing to wait on but its clock


@contextlib.contextmanager
def running(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    *,
    log: Path | None = None,
    start: Callable[[ServedProcess], RunningPart] | None = None,
    prepare: Callable[[Engine], None] | None = None,
) -> Iterator[Supervisor]:
    """Every part of Firstread as child processes, stopped at the end of the block.

    Parameters
    ----------
    environment : of the children; ours if None
    log : a file for what they print; our own standard error if None
    start : starts a part in place of a command line, as part of this process
    prepare : called before the first part is started

    Raises
    ------
    SettingsRefused
        Another Firstread serves this data folder.
    """
    make_data_folder(settings.data_folder)
    with contextlib.ExitStack() as stack:
        stack.enter_context(served_alone(settings.data_folder))
        engine = open_engine(settings.database_address)
        upgrade_schema(engine)
        if prepare is not None:
            prepare(engine)
        engine.dispose()  # no connection survives a fork
        output = stack.enter_context(log.open("ab")) if log else None
        supervisor = Supervisor(
            dict(os.environ if environment is None else environment),
            output,
            parts=needed_parts(settings),
            start=start,
        )
        stack.callback(supervisor.stop)
        supervisor.start()
        yield supervisor


class Supervisor:
    """The child processes: started, watched, restarted with growing pauses, stopped."""

    def __init__(
        self,
        environment: dict[str, str],
        output: IO[bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
        parts: Collection[ServedProcess] = tuple(ServedProcess),
        start: Callable[[ServedProcess], RunningPart] | None = None,
    ) -> None:
        self._environment = environment
        self._output = output
        self.clock = clock
        self._parts = parts
        self._start_part = start or self._run_command
        self._processes: dict[ServedProcess, RunningPart] = {}
        self._restart_at: dict[ServedProcess, float] = {}
        self._deaths: dict[ServedProcess, int] = {}
        self.refused: ServedProcess | None = None  # by the settings, at its first start

    def start(self) -> None:
        """Start every part that is needed."""
        for part in self._parts:
            self._start(part)

    def pid(self, part: ServedProcess) -> int:
        """Process id of a part, for tests that kill it."""
        return self._processes[part].pid

    def restart_dead(self) -> list[ServedProcess]:
        """Start parts again that died, each time after a longer pause; returns those found dead."""
        now = self.clock()
        dead = []
        for part, process in list(self._processes.items()):
            code = process.poll()
            if code is None:
                continue
            if part not in self._restart_at:
                dead.append(part)
                deaths = self._deaths[part] = self._deaths.get(part, 0) + 1
                if code == REFUSED and deaths == 1:
                    self.refused = part
                pause = min(_FIRST_RESTART_S * 2.0 ** min(deaths - 1, 10), _LONGEST_RESTART_S)
                self._restart_at[part] = now + pause
                _log.error("part_died", dead_part=part.value, code=code, restart_in_s=pause)
            elif now >= self._restart_at[part]:
                del self._restart_at[part]
                self._start(part)
        return dead

    def stop(self) -> None:
        """Ask every part to end, wait, and kill what does not."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        deadline = self.clock() + _STOP_LIMIT_S
        for part, process in self._processes.items():
            try:
                process.wait(timeout=max(0.1, deadline - self.clock()))
            except subprocess.TimeoutExpired:
                _log.warning("part_killed", killed_part=part.value)
                process.kill()
                process.wait()

    def _start(self, part: ServedProcess) -> None:
        self._processes[part] = self._start_part(part)

    def _run_command(self, part: ServedProcess) -> RunningPart:
        return subprocess.Popen(
            command_of(part),
            env=self._environment,
            stdout=self._output,
            stderr=self._output,
            preexec_fn=die_with_parent,  # safe: no threads of ours run in a supervisor
        )


def command_of(part: ServedProcess) -> list[str]:
    """The command line that runs one part, with this very interpreter."""
    return [sys.executable, "-m", "firstread", "serve", "--only", part.value]
