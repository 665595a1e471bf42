"""A log file that is renamed while two processes write: nothing is lost, no line is torn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from radiology.errors import SettingsRefused
from settings.log.log_file import LogFile
from tests.peers.waiting import wait_until

# Two threads write until the file named second is there, and then say how much each wrote.
_WRITER = """
import itertools, pathlib, sys, threading
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger
configure_logging(read_settings())
enough = pathlib.Path(sys.argv[2])
def write(thread):
    for number in itertools.count():
        get_logger("writer").info("counted", who=f"{sys.argv[1]}.{thread}", number=number)
        if number % 100 == 99 and enough.exists():
            print(number + 1, flush=True)
            return
threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
[one.start() for one in threads]
[one.join() for one in threads]
"""


def test_no_line_is_lost_while_the_file_is_renamed(tmp_path: Path) -> None:
    log = tmp_path / "firstread.log"
    enough = tmp_path / "enough"
    environment = {"FIRSTREAD_LOG_FILE": str(log), "PATH": "/usr/bin:/bin"}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(number), str(enough)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for renamed in range(20):
        wait_until(lambda: log.exists() and log.stat().st_size > 0, what="the next lines")
        log.rename(tmp_path / f"firstread.log.{renamed}")
    enough.touch()
    written = sum(int(count) for one in writers for count in one.communicate(timeout=60)[0].split())
    assert [one.returncode for one in writers] == [0, 0]
    lines = [
        json.loads(line)
        for path in tmp_path.glob("firstread.log*")
        for line in path.read_text().splitlines()
    ]
    said = {(one["who"], one["number"]) for one in lines}
    assert len(said) == len(lines) == written
    assert log.stat().st_mode & 0o007 == 0 if log.exists() else True


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """At the start, with the file and the reason."""
    with pytest.raises(SettingsRefused, match="log file cannot be written"):
        LogFile(tmp_path / "not there" / "firstread.log")


def test_what_cannot_be_appended_is_said_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder is gone: work goes on, and the line is not silenced."""
    folder = tmp_path / "log"
    folder.mkdir()
    log = LogFile(folder / "firstread.log")
    (folder / "firstread.log").unlink()
    folder.rmdir()
    log.write('{"event": "x"}\n')
    assert '{"event": "x"}' in capsys.readouterr().err
