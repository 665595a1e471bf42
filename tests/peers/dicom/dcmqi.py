"""dcmqi: what research software reads out of our SEG and SR, and its own way to write a SEG.

The PyPI package carries the programs; they bring a DCMTK of their own.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.peers.programs import require_program


@dataclass(frozen=True)
class ReadSegment:
    """One segment as dcmqi wrote it out.

    Attributes
    ----------
    number : Segment Number
    label : Segment Label
    mask : shape (slices, rows, columns)
    affine : (slice, row, column, 1) to mm, LPS
    """

    number: int
    label: str
    mask: NDArray[np.bool_]
    affine: NDArray[np.float64]


def read_segments(path: Path, *, work_folder: Path) -> tuple[tuple[ReadSegment, ...], list[str]]:
    """Read a SEG with ``segimage2itkimage``; give its segments and what the program warned of."""
    folder = work_folder / "segments"
    folder.mkdir(exist_ok=True)
    output = run_dcmqi(
        "segimage2itkimage",
        ["--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd"],
    )
    meta = json.loads(next(folder.glob("*meta.json")).read_text())
    segments = []
    for index, group in enumerate(meta["segmentAttributes"], start=1):
        (attributes,) = group
        (image,) = folder.glob(f"*{index}.nrrd")
        mask, affine = _read_nrrd(image)
        segments.append(
            ReadSegment(int(attributes["labelID"]), attributes["SegmentLabel"], mask, affine)
        )
    return tuple(segments), _warnings(output)


def read_report(path: Path, *, work_folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Read an SR with ``tid1500reader``; give its measurements and what the program warned of."""
    written = work_folder / "measurements.json"
    output = run_dcmqi("tid1500reader", ["--inputDICOM", path, "--outputMetadata", written])
    content: dict[str, Any] = json.loads(written.read_text())
    return content, _warnings(output)


def run_dcmqi(name: str, arguments: Sequence[str | Path], *, timeout_s: float = 120.0) -> str:
    """Run a program of dcmqi and give what it said.

    Raises
    ------
    AssertionError
        It failed, with its last words.
    """
    program = require_program(
        name, package="none; PyPI package dcmqi", folders=(str(Path(sys.executable).parent),)
    )
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}"
    return done.stdout


def _warnings(output: str) -> list[str]:
    kept = re.compile(r"^(W:|E:|Warning|WARNING|Error|ERROR|Found concept)")
    return [line for line in output.splitlines() if kept.match(line)]


def _read_nrrd(path: Path) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The image of a gzipped NRRD file, and its place in the patient (LPS)."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = dict(
        line.split(": ", 1)
        for line in head.decode().splitlines()
        if ": " in line and line[0] != "#"
    )
    assert fields["type"] == "short"
    assert fields["space"] == "left-posterior-superior"
    sizes = [int(size) for size in fields["sizes"].split()]
    voxels = np.frombuffer(gzip.decompress(body), np.int16).reshape(sizes[::-1])
    affine = np.eye(4)
    directions = re.findall(r"\(([^)]*)\)", fields["space directions"])
    for axis, direction in enumerate(reversed(directions)):
        affine[:3, axis] = [float(value) for value in direction.split(",")]
    affine[:3, 3] = [float(value) for value in fields["space origin"].strip("()").split(",")]
    return voxels > 0, affine
