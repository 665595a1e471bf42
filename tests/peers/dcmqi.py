"""dcmqi's reader of measurement reports: what 3D Slicer and other programs make of ours."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from tests.peers.programs import require_program


def read_measurements(report: Path, work_folder: Path) -> list[dict[str, Any]]:
    """Read a TID 1500 report with `tid1500reader`; fails with what the program said."""
    folder = sysconfig.get_path("scripts")
    program = require_program("tid1500reader", package="dcmqi", folders=(folder,))
    written = work_folder / "measurements.json"
    done = subprocess.run(
        [str(program), "--inputDICOM", str(report), "--outputMetadata", str(written)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measurements: list[dict[str, Any]] = json.loads(written.read_text())["Measurements"]
    return measurements
