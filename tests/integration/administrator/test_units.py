"""The units for systemd are valid, start what there is, and know every part."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from settings.environment import PREFIX, SETTINGS_FILE_VARIABLE, Settings
from settings.served_process import ServedProcess
from tests.peers.programs import REPOSITORY, require_program

_UNITS = REPOSITORY / "docs" / "hospital" / "systemd"
_INSTALLED = "/opt/firstread/bin/firstread"


def _verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """What systemd says of the units in a folder, the template as one of its instances."""
    systemd_analyze = require_program("systemd-analyze", package="systemd")
    units = [folder / path.name.replace("@.", "@node.") for path in sorted(folder.iterdir())]
    return subprocess.run(
        [systemd_analyze, "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"},
    )


def _units_in(folder: Path) -> Path:
    """The units with the program of this environment in the place of the installed one."""
    program = Path(sys.executable).with_name("firstread")
    assert program.is_file()
    for unit in _UNITS.iterdir():
        text = unit.read_text().replace(_INSTALLED, str(program))
        (folder / unit.name).write_text(text)
    return folder


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    found = _verify(_units_in(tmp_path))
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    """The check above can fail: a key that is misspelt, and a program that is not there."""
    folder = _units_in(tmp_path)
    unit = folder / "firstread.service"
    unit.write_text(unit.read_text().replace("UMask=", "UMaks="))
    assert "UMaks" in _verify(folder).stderr
    unit.write_text(unit.read_text().replace("UMaks=", "UMask=").replace("/firstread serve", "/x"))
    assert _verify(folder).returncode != 0


def test_the_target_has_every_part_that_needs_no_more_settings() -> None:
    wanted = re.findall(r"firstread@(\w+)\.service", (_UNITS / "firstread.target").read_text())
    assert sorted([*wanted, "hl7"]) == sorted(part.value for part in ServedProcess)


def test_each_variable_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {SETTINGS_FILE_VARIABLE}
    named = {
        name
        for unit in _UNITS.iterdir()
        for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)
    }
    assert len(named) == 3
    assert named <= known
