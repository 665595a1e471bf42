"""Parts as forks of the supervisor: their ends, their signals, and what they do not take along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from firstread.data_folder import served_alone, server_of
from firstread.serve.forked_part import ForkedPart, reap_ended
from tests.peers.waiting import wait_until


def _sleep() -> int:
    time.sleep(60)
    return 0


def test_the_exit_code_is_what_the_part_gives() -> None:
    """As that of a program."""
    part = ForkedPart("delivery", lambda: 2)
    assert part.wait(20) == 2
    assert part.poll() == 2


def test_a_part_breaks_down(capfd: pytest.CaptureFixture[str]) -> None:
    """Its trace is printed, and it counts as failed; the supervisor goes on."""

    def run() -> int:
        raise ValueError("broken")

    assert ForkedPart("delivery", run).wait(20) == 1
    assert "ValueError: broken" in capfd.readouterr().err


def test_told_to_stop_at_once() -> None:
    """SIGTERM right after the start ends it, though its supervisor does something else with it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        for _ in range(5):
            part = ForkedPart("delivery", _sleep)
            part.terminate()
            assert part.wait(20) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == []


def test_it_is_waited_for_no_longer_than_said() -> None:
    """As `subprocess.Popen` says it; then it is killed."""
    part = ForkedPart("delivery", _sleep)
    with pytest.raises(subprocess.TimeoutExpired):
        part.wait(0.1)
    assert part.poll() is None
    part.kill()
    assert part.wait(20) == -signal.SIGKILL


def test_it_is_called_as_its_part() -> None:
    """By it `ps` and `top` tell the parts apart: their command lines are one."""
    part = ForkedPart("housekeeping", _sleep)
    name = Path(f"/proc/{part.pid}/comm")
    wait_until(lambda: name.read_text().strip() == "housekeeping", what="its name")
    part.kill()
    part.wait()


def test_it_does_not_hold_the_data_folder(tmp_path: Path) -> None:
    """A part that outlives its supervisor leaves the folder to the next one."""
    with served_alone(tmp_path):
        part = ForkedPart("delivery", _sleep)
        wait_until(
            lambda: not any("served-by" in one for one in _open_files(part.pid)),
            what="the lock to be let go",
        )
        assert server_of(tmp_path) == os.getpid()
    assert server_of(tmp_path) is None
    part.kill()
    part.wait()


def _open_files(process: int) -> list[str]:
    found = []
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed: that is what is waited for
            found.append(str(one.readlink()))
    return found


def test_parts_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of the supervisor: none lives on."""
    program = (
        "import sys, time\n"
        "from firstread.serve.forked_part import ForkedPart\n"
        "part = ForkedPart('delivery', lambda: time.sleep(60) or 0)\n"
        "print(part.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        part = int(supervisor.stdout.readline())
        wait_until(
            lambda: Path(f"/proc/{part}/comm").read_text().strip() == "delivery", what="the part"
        )
        supervisor.kill()
    wait_until(lambda: not _runs(part), what="its end")


def _runs(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_has_ended_is_no_zombie_and_still_tells_its_exit_code() -> None:
    """The fork that says when node and page answer ends alone: nobody else asks after it."""
    part = ForkedPart("looking", lambda: 3)
    state = Path(f"/proc/{part.pid}/stat")

    def is_gone() -> bool:
        reap_ended()
        return not state.exists()

    wait_until(is_gone, what="its end")
    assert part.poll() == 3
