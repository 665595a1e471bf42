"""The key slice as the viewer of the study page will show it first, drawn here.

It is in the page before any script runs, and what the viewer draws takes its place. Page and
picture come from the same reading of the file: a page names no picture that cannot be drawn.
"""

from __future__ import annotations

import functools
import io
import itertools
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radiology.image.slice_stack import unpack_labels, unpack_voxels
from worklist.viewer.outlines import Outline, OutlineLine, lines_of, outlines
from worklist.viewer.slice_stack import SliceStack

WIDTHS_HU, LEVELS_HU = (20, 4000), (-1000, 2000)  # as far as the sliders of viewer.html go
_MOST_KEPT = 64  # of some 150 kB: those of the studies that readers open now
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DAMAGED = (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error)


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """What is outlined in a slice, for an element of SVG 2.

    Attributes
    ----------
    path : in halves of a pixel
    dashes : empty for a line without gaps
    """

    path: str
    colour: str
    width_px: float
    dashes: str


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """A slice in its window, and what is outlined in it.

    Attributes
    ----------
    png : one grey level for each voxel
    digest : of what it is drawn from. A browser keeps what an address gave; should another file
        come to lie under the same number, by a restored archive, its picture has another address
    columns, rows : of the picture
    column_mm, row_mm : of a pixel, which need not be a square
    level_hu, width_hu : of the window
    """

    png: bytes
    digest: str
    columns: int
    rows: int
    column_mm: float
    row_mm: float
    level_hu: int
    width_hu: int
    lines: tuple[DrawnLine, ...]


def first_picture(stack: SliceStack) -> FirstPicture | None:
    """The picture that a stack begins with; None where the file is damaged, or says too little."""
    digest = stack.digest_of_key()
    return None if digest is None else _drawn(stack.path, digest)


@functools.lru_cache(maxsize=_MOST_KEPT)
def _drawn(path: Path, digest: str) -> FirstPicture | None:
    stack = SliceStack(path)
    facts, key = stack.index(), stack.key_slice
    if facts is None or key is None:
        return None
    voxels, labels = stack.voxels(key), stack.labels(key)
    if voxels is None or labels is None:
        return None
    try:
        rows, columns = int(facts["rows"]), int(facts["columns"])
        level, width = first_window(facts)
        there = unpack_labels(labels, (rows, columns))
        lines = [(one, outlines(there, one.labels)) for one in lines_of(facts["regions"])]
        return FirstPicture(
            png=_png(windowed(unpack_voxels(voxels, (rows, columns)), level, width)),
            digest=digest,
            columns=columns,
            rows=rows,
            column_mm=float(facts["column_mm"]),
            row_mm=float(facts["row_mm"]),
            level_hu=level,
            width_hu=width,
            lines=tuple(_drawn_line(one, found) for one, found in lines if found),
        )
    except _DAMAGED:
        return None


def first_window(facts: dict[str, Any]) -> tuple[int, int]:
    """Level and width in HU that a stack is first shown in, within what the sliders have.

    Raises
    ------
    KeyError, TypeError, ValueError
        The stack names none: the first window of the page is used then, which the viewer knows.
    """
    level, width = facts["window_hu"]
    return _within(level, LEVELS_HU), _within(width, WIDTHS_HU)


def _within(value: float, limits: tuple[int, int]) -> int:
    lowest, highest = limits
    return min(max(int(np.floor(value + 0.5)), lowest), highest)


def windowed(hounsfield: NDArray[np.float32], level: int, width: int) -> NDArray[np.uint8]:
    """Grey levels of a slice in a window (PS3.3 C.11.2.1.2.1), rounded as a canvas rounds."""
    levels = ((hounsfield.astype(np.float64) - (level - 0.5)) / (width - 1) + 0.5) * 255
    grey: NDArray[np.uint8] = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return grey


def _png(grey: NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    # Noise does not repeat itself: looking for repetitions takes longer and saves nothing.
    Image.fromarray(grey).save(written, "PNG", compress_type=zlib.Z_HUFFMAN_ONLY)
    return written.getvalue()


def _drawn_line(line: OutlineLine, found: list[Outline]) -> DrawnLine:
    if not _COLOUR.fullmatch(line.colour):
        raise ValueError("a colour of the stack is none")
    dashes = " ".join(f"{one:g}" for one in line.dash_px)
    return DrawnLine("".join(map(_closed, found)), line.colour, line.width_px, dashes)


def _closed(outline: Outline) -> str:
    """Through the middles of the edges, each step from the one before: an oblique edge is a line
    and no staircase."""
    middles = [
        (column + next_column, row + next_row)
        for (column, row), (next_column, next_row) in zip(
            outline, [*outline[1:], outline[0]], strict=True
        )
    ]
    (x, y), steps = middles[0], []
    for (before_x, before_y), (to_x, to_y) in itertools.pairwise(middles):
        steps.append(f"{to_x - before_x} {to_y - before_y}")
    return f"M{x} {y}l{' '.join(steps)}z"
