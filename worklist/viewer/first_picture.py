"""The key slice as the viewer of the study page will show it first, drawn here as one picture.

It is in the page before any script runs, and what the viewer draws takes its place. Slice and
outlines are one file (SVG 2), so that neither is ever seen with those of another slice.
"""

from __future__ import annotations

import base64
import functools
import io
import itertools
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radiology.image.slice_stack import unpack_labels, unpack_voxels
from worklist.viewer.outlines import Line, Outline, lines_of, outlines
from worklist.viewer.slice_stack import SliceStack

WIDTHS_HU, LEVELS_HU = (20, 4000), (-1000, 2000)  # as far as the sliders of viewer.html go
_MOST_KEPT = 32  # of some 300 kB: those of the studies that readers open now
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DAMAGED = (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error)


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


def first_picture(stack: SliceStack, *, outlined: bool) -> bytes | None:
    """The picture as SVG; None where the file is damaged, or says too little.

    Parameters
    ----------
    outlined : whether what was found may be outlined: not in a result that is withdrawn
    """
    digest = stack.digest_of_key()
    return None if digest is None else _drawn(stack.path, digest, outlined)


@functools.lru_cache(maxsize=_MOST_KEPT)
def _drawn(path: Path, _digest: str, outlined: bool) -> bytes | None:
    stack = SliceStack(path)
    facts, key = stack.index(), stack.key_slice
    if facts is None or key is None:
        return None
    voxels, labels = stack.voxels(key), stack.labels(key)
    if voxels is None or labels is None:
        return None
    try:
        shape = (int(facts["rows"]), int(facts["columns"]))
        grey = windowed(unpack_voxels(voxels, shape), *first_window(facts))
        there = unpack_labels(labels, shape)
        lines = lines_of(facts["regions"]) if outlined else ()
        drawn = [(line, outlines(there, line.labels)) for line in lines]
        return _svg(grey, (float(facts["row_mm"]), float(facts["column_mm"])), drawn)
    except _DAMAGED:
        return None


def windowed(hounsfield: NDArray[np.float32], level: int, width: int) -> NDArray[np.uint8]:
    """Grey levels of a slice in a window (PS3.3 C.11.2.1.2.1), rounded as a canvas rounds."""
    grey = ((hounsfield.astype(np.float64) - (level - 0.5)) / (width - 1) + 0.5) * 255
    return np.rint(grey.clip(0, 255)).astype(np.uint8)


def _svg(
    grey: NDArray[np.uint8],
    spacing_mm: tuple[float, float],
    drawn: Sequence[tuple[Line, list[Outline]]],
) -> bytes:
    """As wide and high as the slice is in millimetres: pixels need not be squares."""
    written = io.BytesIO()
    # Noise does not repeat itself: looking for repetitions takes longer and saves nothing.
    Image.fromarray(grey).save(written, "PNG", compress_type=zlib.Z_HUFFMAN_ONLY)
    pixels = base64.b64encode(written.getvalue()).decode()
    rows, columns = grey.shape
    row_mm, column_mm = spacing_mm
    size = f'width="{columns * column_mm:g}" height="{rows * row_mm:g}"'
    # Twice as fine as the pixels: a line goes through the middles of their edges.
    paths = "".join(_path(line, found) for line, found in drawn if found)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {2 * columns} {2 * rows}" preserveAspectRatio="none">'
        f'<image width="{2 * columns}" height="{2 * rows}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{pixels}"/>{paths}</svg>'
    ).encode()


def _path(line: Line, found: list[Outline]) -> str:
    if not _COLOUR.fullmatch(line.colour):
        raise ValueError("a colour of the stack is none")
    dashes = " ".join(f"{one:g}" for one in line.dash_px)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path fill="none" vector-effect="non-scaling-stroke" stroke-miterlimit="10" '
        f'stroke="{line.colour}" stroke-width="{line.width_px:g}"{dashed} '
        f'd="{"".join(map(_closed, found))}"/>'
    )


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
