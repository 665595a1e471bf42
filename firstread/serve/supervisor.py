"""The supervisor of all parts: starts them, watches them, restarts each that dies, stops them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO

from database.schema import upgrade_schema
from database.session import Engine, open_engine
from firstread.data_folder import make_data_folder, served_alone
from firstread.say import REFUSED
from firstread.serve.forked_part import RunningPart, die_with_parent, reap_ended
from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.served_process import ServedProcess, needed_parts

_log = get_logger("serve")
_POLL_S = 0.2
_STOP_LIMIT_S = 15.0  # then a part that does not end is killed; its work is in the database
_SAID_AFTER_S = 1.0  # what takes longer to end is told of
_FIRST_RESTART_S = 0.5
_LONGEST_RESTART_S = 30.0


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as an exception does, so that what it began is ended too.

    Once: what follows is the end of what was begun, which has limits of its own.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: None)
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
        reap_ended()
        time.sleep(_POLL_S)  # a supervisor has nothing to wait on but its clock


@contextlib.contextmanager
def running(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    *,
    log: Path | None = None,
    start: Callable[[ServedProcess], RunningPart] | None = None,
    prepare: Callable[[Engine], None] | None = None,
    say: Callable[[str], None] = lambda _sentence: None,
) -> Iterator[Supervisor]:
    """Every part of Firstread as child processes, stopped at the end of the block.

    Parameters
    ----------
    environment : of the children; ours if None
    log : a file for what they print; our own standard error if None
    start : starts a part in place of a command line, as part of this process
    prepare : called before the first part is started
    say : told what is waited for at the end

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
            say=say,
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
        say: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._say = say
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
        """Ask every part to end, wait, say for which, and kill what does not end."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        if late := self._running_after(_SAID_AFTER_S):
            names = ", ".join(part.value for part in late)
            self._say(f"Waiting for {names}, {_STOP_LIMIT_S:.0f} s at most …")
            late = self._running_after(_STOP_LIMIT_S - _SAID_AFTER_S)
        for part in late:
            _log.warning("part_killed", killed_part=part.value)
            self._say(
                f"{part.value} did not end and was killed. What it had in hand is taken up again "
                "after the next start, when its lease has run out"
            )
            self._processes[part].kill()
            self._processes[part].wait()

    def _running_after(self, limit_s: float) -> list[ServedProcess]:
        """The parts that run after so long; it ends at once when none does."""
        deadline = time.monotonic() + limit_s
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
        return [part for part, one in self._processes.items() if one.poll() is None]

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
