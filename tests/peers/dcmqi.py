"""dcmqi's reader of measurement reports: what 3D Slicer and other programs make of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from tests.peers.programs import absent


def read_measurements(report: Path, work_folder: Path) -> list[dict[str, Any]]:
    """Read a TID 1500 report with `tid1500reader`; fails with what the program said."""
    program = shutil.which("tid1500reader", path=sysconfig.get_path("scripts"))
    if program is None:
        absent("tid1500reader is not installed (dcmqi, from PyPI)")
    written = work_folder / "measurements.json"
    done = subprocess.run(
        [program, "--inputDICOM", str(report), "--outputMetadata", str(written)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measurements: list[dict[str, Any]] = json.loads(written.read_text())["Measurements"]
    return measurements
