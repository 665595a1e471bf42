"""Debian's logrotate rotates the log of a running Firstread, and no line is lost."""

from __future__ import annotations

import functools
import getpass
import grp
import gzip
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.firstreads.hospital import native_command
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program

pytestmark = pytest.mark.integration
CALLS = 30


@pytest.mark.timeout(240)
def test_no_line_of_a_running_firstread_is_lost(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """Every call of a scanner stands in one of the files, however often they are rotated."""
    port = free_port()
    log = tmp_path / "log" / "firstread.log"
    log.parent.mkdir(mode=0o750)
    variables = {
        "FIRSTREAD_DATA_FOLDER": str(tmp_path / "data"),
        "FIRSTREAD_DICOM_PORT": str(port),
        "FIRSTREAD_WORKLIST_PORT": str(free_port()),
        "FIRSTREAD_LOG_FILE": str(log),
        "FIRSTREAD_PEERS": json.dumps([{"name": "scanner", "ae_title": "SCANNER"}]),
    }
    command = native_command(("firstread", "serve"))
    with ServerProcess("firstread", command, folder=tmp_path, environment=variables) as process:
        process.wait_until_ready(functools.partial(answers, port), limit_s=120)
        rotations = _Rotations(tmp_path, log)
        rotations.start()
        for _ in range(CALLS):
            dcmtk.echoscu(port=port, called_ae_title="FIRSTREAD").check()
        rotations.stop()
    lines = [json.loads(line) for line in _all_lines(log.parent)]
    accepted = [
        one
        for one in lines
        if one["event"] == "association_accepted" and one["calling_ae_title"] == "SCANNER"
    ]  # and not the call by which `serve` sees that its node answers
    assert rotations.done >= 5
    assert len(list(log.parent.iterdir())) >= 5
    assert len(accepted) == CALLS
    assert {one["part"] for one in lines} >= {"node", "serve"}, "several processes write to it"


class _Rotations(threading.Thread):
    """Rotates by the file of the documentation, again and again."""

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__(daemon=True)
        self.done = 0
        self._logrotate = require_program("logrotate", package="logrotate")
        self._configuration = folder / "logrotate.conf"
        group = grp.getgrgid(os.getgid()).gr_name
        text = (REPOSITORY / "docs" / "hospital" / "logrotate.conf").read_text()
        text = text.replace("/var/log/firstread/firstread.log", str(log))
        text = text.replace("firstread firstread", f"{getpass.getuser()} {group}")
        self._configuration.write_text(text)
        self._configuration.chmod(0o644)
        self._state = folder / "logrotate.state"
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.1):
            subprocess.run(
                [self._logrotate, "--force", "--state", self._state, self._configuration],
                check=True,
                capture_output=True,
            )
            self.done += 1

    def stop(self) -> None:
        """Let the last rotation end."""
        self._stopped.set()
        self.join(timeout=30)
        assert not self.is_alive()


def _all_lines(folder: Path) -> list[str]:
    return [
        line
        for path in folder.iterdir()
        for line in (
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        ).decode().splitlines()
    ]  # fmt: skip
