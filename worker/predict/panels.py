"""Tells a figure of several slices from a slice.

A figure is cut from edge to edge: bands of one grey level part it into blocks of nearly the same
size, and these again the other way. A slice has such bands around the body; in a lung window its
mediastinum can be one too, white from edge to edge, between the two lungs, and where lungs were cut
out of their slice there is a dark one. So two blocks count as panels only where each ends at the
band as a picture ends, along most of the line; three or more count as they are.

Panels that touch each other have no bands. Where they meet, one line differs from the next by far
more than lines do nearby, at even places along a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Lines = NDArray[np.float64]

# Of 256 grey levels and of sides; ours, measured on the slices and figures at hand: docs/predict.md
_EVEN_LEVELS = 12.0  # from the middle level of a line of a band: JPEG and the noise of air
_EVEN_SHARE = 0.95  # of that line: a table goes through it, or a letter stands in it
_SAME_LEVEL = 12.0  # how far the lines of the bands of one figure may differ
_BRIGHT = 128.0  # bands of a printed page are brighter, those of air and screens darker
_LEAST_SIDE_SHARE = 0.12  # of the figure: a narrower block is a caption, a scale, an arm, a table
_MOST_UNLIKE = 1.35  # the largest panel by the smallest, along the side that was cut
_EDGE_LEVELS = 40.0  # between a band and the picture that ends at it
_EDGE_SHARE = 0.6  # of the line along which a picture ends
_EDGE_LINES = 3  # so far JPEG smears an edge
_DEEPEST = 4  # of figures within figures
_MOST_ALONG_A_SIDE = 5  # of panels that touch each other
_LEAST_PANEL_PIXELS = 32
_NEARBY_LINES = 12
_SEAM = 0.62  # mean logarithm; of 4,900 slices none reaches 0.57, of figures half pass 0.6
_WEAKEST_SEAM = 0.45  # so much less than that a single seam may show
_DIFFERS_BY = 10.0
_SEAM_SHARE = 0.15  # of the line along which pictures meet; the edge of a body is shorter


def is_figure(grey: Grey) -> bool:
    """Whether a picture is made of several pictures; not where it cannot be told.

    Parameters
    ----------
    grey : uint8, shape (rows, columns)
    """
    return any(_is_parted(grey, bright=bright) for bright in (True, False)) or (
        _has_touching_panels(grey)
    )


def _is_parted(grey: Grey, *, bright: bool) -> bool:
    for lines in (grey, grey.T):
        blocks = _blocks(lines, bright=bright)
        panels = _panels(lines, blocks, bright=bright, depth=_DEEPEST)
        if panels > 2 or (panels == 2 and _are_cut(lines, blocks)):
            return True
    return False


def _panels(lines: Grey, blocks: list[tuple[int, int]], *, bright: bool, depth: int) -> int:
    """How many pictures the bands between blocks, and those across each of them, part."""
    panels = 0
    for first, end in blocks:
        across = lines[first:end].T
        further = _blocks(across, bright=bright) if depth else []
        panels += _panels(across, further, bright=bright, depth=depth - 1) if further else 1
    return panels


def _blocks(lines: Grey, *, bright: bool) -> list[tuple[int, int]]:
    """Where the blocks between the bands across a picture begin and end; none: it is no figure."""
    levels = np.median(lines, axis=1)
    off = np.abs(lines - levels[:, None])
    even = (off <= _EVEN_LEVELS).mean(axis=1) >= _EVEN_SHARE
    even &= (levels >= _BRIGHT) if bright else (levels < _BRIGHT)
    if not even.any():
        return []
    even &= np.abs(levels - np.median(levels[even])) <= _SAME_LEVEL
    edges = np.flatnonzero(np.diff(np.concatenate([[True], even, [True]]).astype(int)))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    whole = runs[-1][1] - runs[0][0] if runs else 0
    wide = [(first, end) for first, end in runs if end - first >= _LEAST_SIDE_SHARE * whole]
    sides = [end - first for first, end in wide]
    return wide if len(wide) > 1 and max(sides) <= _MOST_UNLIKE * min(sides) else []


def _are_cut(lines: Grey, blocks: list[tuple[int, int]]) -> bool:
    """Whether both of two blocks end at the band between them as pictures end."""
    (_, left_ends), (right_begins, _) = blocks
    band, last = float(lines[left_ends:right_begins].mean()), len(lines) - 1
    return all(
        float((np.abs(lines[at].astype(float) - band) > _EDGE_LEVELS).mean()) >= _EDGE_SHARE
        for at in (max(left_ends - 1 - _EDGE_LINES, 0), min(right_begins + _EDGE_LINES, last))
    )


def _has_touching_panels(grey: Grey) -> bool:
    """Whether three or more panels of one size meet without a band."""
    grids = (
        above + beside
        for down, above in _seams(grey).items()
        for across, beside in _seams(grey.T).items()
        if down * across > 2
    )
    return any(min(float(np.mean(seams)), min(seams) + _WEAKEST_SEAM) >= _SEAM for seams in grids)


def _seams(lines: Grey) -> dict[int, list[float]]:
    """By how many panels follow each other: how much more lines differ where they would meet."""
    steps = np.abs(np.diff(lines.astype(np.int16), axis=0))
    differing = steps.mean(axis=1) + 1.0
    long = (steps > _DIFFERS_BY).mean(axis=1) >= _SEAM_SHARE
    found: dict[int, list[float]] = {1: []}
    for count in range(2, _MOST_ALONG_A_SIDE + 1):
        if len(lines) // count < _LEAST_PANEL_PIXELS:
            break
        places = [round(at * len(lines) / count) - 1 for at in range(1, count)]
        if all(long[place - 1 : place + 2].any() for place in places):
            found[count] = [_more(differing, place) for place in places]
    return found


def _more(differing: Lines, place: int) -> float:
    """The logarithm of how much more the lines here differ than those nearby."""
    before = differing[max(place - 2 - _NEARBY_LINES, 0) : place - 2]
    behind = differing[place + 3 : place + 3 + _NEARBY_LINES]
    here = differing[place - 1 : place + 2].max()
    return float(np.log(here / np.percentile(np.concatenate([before, behind]), 90)))
