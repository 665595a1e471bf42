"""The lines around what is outlined in a slice, as `static/drawing.js` draws them over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Outline = list[tuple[int, int]]  # column and row of each corner, closed


@dataclass(frozen=True, slots=True)
class OutlineLine:
    """What is outlined together, and how.

    Attributes
    ----------
    labels, names : of the regions that the line goes around
    width_px : in pixels of the page
    dash_px : lengths of dash and gap; empty for a line without gaps
    """

    labels: tuple[int, ...]
    names: tuple[str, ...]
    colour: str
    width_px: float
    dash_px: tuple[float, ...]


def lines_of(regions: Sequence[dict[str, Any]]) -> tuple[OutlineLine, ...]:
    """The lines of a stack, from beneath to above.

    Organs are outlined together with the findings in them, so that a finding leaves no hole.

    Raises
    ------
    KeyError, TypeError, ValueError
        The index of the stack does not say it.
    """
    organs = [one for one in regions if not one["is_finding"]]
    findings = [one for one in regions if one["is_finding"] and not one["is_possible"]]
    possible = [one for one in regions if one["is_possible"]]
    around = [_line(regions, organs, 1.2)] if organs else []
    found = [_line([one], [one], 1.8 if one["dash_px"] else 2.0) for one in findings]
    return (*around, *found, *(_line([one], [one], 1.2) for one in possible))


def _line(
    within: Sequence[dict[str, Any]], said: Sequence[dict[str, Any]], width: float
) -> OutlineLine:
    return OutlineLine(
        labels=tuple(int(one["label"]) for one in within),
        names=tuple(str(one["name"]) for one in said),
        colour=str(said[0]["colour"]),
        width_px=width,
        dash_px=tuple(float(one) for one in said[0]["dash_px"]),
    )


def outlines(labels: NDArray[np.uint8], wanted: Sequence[int]) -> list[Outline]:
    """Closed lines along the edges of the pixels that have one of the labels, clockwise.

    Parameters
    ----------
    labels : shape (rows, columns)

    Returns
    -------
    The corners that each line goes through: an edge leads from one to the next.
    """
    one_of = np.zeros(256, np.bool_)
    one_of[list(wanted)] = True
    there = one_of[labels]
    lines, across = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if not lines.size:
        return []
    top, left = int(lines[0]), int(across[0])  # only where they are is looked
    middle = there[top : lines[-1] + 1, left : across[-1] + 1]
    around = np.pad(middle, 1)
    neighbours = (around[:-2, 1:-1], around[1:-1, 2:], around[2:, 1:-1], around[1:-1, :-2])
    edges = np.stack([middle & ~one for one in neighbours], axis=-1)  # top, right, bottom, left
    rows, columns, sides = np.nonzero(edges)
    wide = labels.shape[1] + 1
    corner = (rows + top) * wide + columns + left
    first, last = (0, 1, wide + 1, wide), (1, wide + 1, wide, 0)  # of an edge, clockwise
    starts = (corner + np.take(first, sides)).tolist()
    ends = (corner + np.take(last, sides)).tolist()
    onward: dict[int, list[int]] = {}
    for start, end in zip(starts, ends, strict=True):
        onward.setdefault(start, []).append(end)
    return _closed(onward, wide)


def _closed(onward: dict[int, list[int]], wide: int) -> list[Outline]:
    """Follow the edges from corner to corner until each is in a line."""
    found = []
    for first in tuple(onward):
        while first in onward:
            line: Outline = []
            corner = first
            while not line or corner != first:
                line.append((corner % wide, corner // wide))
                following = onward[corner]
                nearest = following.pop()
                if not following:
                    del onward[corner]
                corner = nearest
            found.append(line)
    return found
