"""The supervisor: parts that die are started again, and stopped with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstread.serve import supervisor as serve
from firstread.serve.supervisor import Supervisor, ended_by_sigterm, watch_until_stopped
from settings.served_process import ServedProcess
from tests.peers.waiting import wait_until


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Supervisor:
    """A supervisor whose parts do nothing but wait: its own work is what is tested."""
    waiting = "import signal; signal.pause()"
    monkeypatch.setattr(serve, "command_of", lambda part: [sys.executable, "-c", waiting])
    return Supervisor(dict(os.environ), clock=Clock())


def kill(supervisor: Supervisor, part: ServedProcess) -> None:
    os.kill(supervisor.pid(part), signal.SIGKILL)
    wait_until(lambda: part in supervisor.restart_dead(), what="the death to be seen")


def test_a_dead_part_is_started_again_after_a_pause(supervisor: Supervisor) -> None:
    """A part that is killed comes back, the others stay as they are."""
    clock = supervisor.clock
    assert isinstance(clock, Clock)
    supervisor.start()
    before = {part: supervisor.pid(part) for part in ServedProcess}
    kill(supervisor, ServedProcess.ANALYSIS)
    clock.now += 0.4
    supervisor.restart_dead()
    assert supervisor.pid(ServedProcess.ANALYSIS) == before[ServedProcess.ANALYSIS]
    clock.now += 0.2
    supervisor.restart_dead()
    after = {part: supervisor.pid(part) for part in ServedProcess}
    assert [part for part in ServedProcess if after[part] != before[part]] == [
        ServedProcess.ANALYSIS
    ]
    supervisor.stop()


def test_the_pause_grows_with_each_death(supervisor: Supervisor) -> None:
    """A part that dies at every start does not keep the machine busy."""
    clock = supervisor.clock
    assert isinstance(clock, Clock)
    supervisor.start()
    for pause_s in (0.5, 1.0, 2.0):
        dying = supervisor.pid(ServedProcess.NODE)
        kill(supervisor, ServedProcess.NODE)
        clock.now += 0.9 * pause_s
        supervisor.restart_dead()
        assert supervisor.pid(ServedProcess.NODE) == dying
        clock.now += 0.2 * pause_s
        supervisor.restart_dead()
        assert supervisor.pid(ServedProcess.NODE) != dying
    supervisor.stop()


def test_stopping_ends_every_part(supervisor: Supervisor) -> None:
    """No part outlives its supervisor's stop."""
    supervisor.start()
    pids = [supervisor.pid(part) for part in ServedProcess]
    supervisor.stop()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_part_that_does_not_end_is_told_of_and_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The terminal says what is waited for and how long, and then what became of it."""
    stubborn = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: None)"
    stubborn += "; print('up', flush=True)\nwhile True: signal.pause()"
    output = tmp_path / "output"
    command = {ServedProcess.ANALYSIS: stubborn}
    monkeypatch.setattr(
        serve,
        "command_of",
        lambda part: [sys.executable, "-c", command.get(part, "import signal; signal.pause()")],
    )
    monkeypatch.setattr(serve, "_STOP_LIMIT_S", 2.0)
    said: list[str] = []
    with output.open("wb") as into:
        supervisor = Supervisor(dict(os.environ), into, say=said.append)
        supervisor.start()
        wait_until(lambda: output.read_text() == "up\n", what="the part")
        pid = supervisor.pid(ServedProcess.ANALYSIS)
        supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert said[0] == "Waiting for analysis, 2 s at most …"
    assert said[1].startswith("analysis did not end and was killed")
    assert len(said) == 2


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """What SIGTERM and Ctrl-C do to the tests is the same afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Watched(Supervisor):
    """A supervisor that is told to stop at the third look."""

    def __init__(self, told: signal.Signals) -> None:
        super().__init__({}, parts=())
        self.looks = 0
        self._told = told

    def restart_dead(self) -> list[ServedProcess]:
        """Look, as the other one does."""
        self.looks += 1
        if self.looks == 3:
            os.kill(os.getpid(), self._told)
        return super().restart_dead()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("usual_signals")
def test_a_supervisor_watches_until_it_is_told_to_stop(told: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end the watch, without an exception and without another look."""
    watched = Watched(told)
    watch_until_stopped(watched)
    assert watched.looks == 3


@pytest.mark.usefixtures("usual_signals")
def test_sigterm_ends_what_was_begun() -> None:
    """Outright it would leave PACS and parts to themselves; a second one changes nothing."""
    ended = []

    def begin_and_be_told() -> None:
        with ended_by_sigterm():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                ended.append("everything")

    with pytest.raises(SystemExit) as left:
        begin_and_be_told()
    assert ended == ["everything"]
    assert left.value.code == 143
