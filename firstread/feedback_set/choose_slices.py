"""Chooses the slices of a study for a set: some with outlines, some without, no neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CHEST = (0.1, 0.9)  # of the series: its ends are neck and abdomen


def choose_slices(outlined: Sequence[bool], count: int) -> list[int]:
    """Indices of slices, in their order.

    Half of them, rounded up, are spread over the slices that are outlined, the others over the
    middle of the rest; where one kind has too few, the other has more.

    Parameters
    ----------
    outlined : of each slice from one end of the chest to the other
    count : at most so many
    """
    drawn = [at for at, one in enumerate(outlined) if one]
    low, high = (int(share * len(outlined)) for share in _CHEST)
    empty = [at for at in range(low, max(high, low + 1)) if at < len(outlined) and not outlined[at]]
    of_empty = min(len(empty), count // 2 if drawn else count)
    of_drawn = min(len(drawn), count - of_empty)
    of_empty = min(len(empty), count - of_drawn)
    return sorted(_spread(drawn, of_drawn) + _spread(empty, of_empty))


def _spread(indices: Sequence[int], count: int) -> list[int]:
    """So many of them, evenly from the first to the last."""
    if count == 0:
        return []
    places = np.linspace(0, len(indices) - 1, count + 2)[1:-1] if count < len(indices) else None
    if places is None:
        return list(indices)
    return sorted({indices[round(float(place))] for place in places})
