"""A phantom of a kind, of the size of a usual chest CT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from firstread.phantom.kind import PhantomKind
from phantom import (
    EXTENSIVE_LESIONS,
    TYPICAL_LESIONS,
    Lesion,
    Phantom,
    PhantomGrid,
    make_phantom,
    phantom_grid,
)

_SHAPE = (75, 512, 512)
_SPACING_MM = (4.0, 0.7, 0.7)
_MADE_FROM: Final[dict[PhantomKind, tuple[int, tuple[Lesion, ...]]]] = {
    PhantomKind.HEALTHY: (2, ()),
    PhantomKind.DISEASED: (1, TYPICAL_LESIONS),
    PhantomKind.GRAVELY_DISEASED: (3, EXTENSIVE_LESIONS),
}
"""Seed and lesions."""


def make_kind(
    kind: PhantomKind,
    on_progress: Callable[[int, int], None] | None = None,
    grid: PhantomGrid | None = None,
) -> Phantom:
    """Make the phantom; the same kind on the same grid is the same phantom again.

    Parameters
    ----------
    on_progress : called with steps done and steps in all
    grid : 75 slices of 512 by 512, every 4 mm, when not given
    """
    seed, lesions = _MADE_FROM[kind]
    return make_phantom(
        seed=seed,
        grid=grid or phantom_grid(_SHAPE, _SPACING_MM),
        lesions=lesions,
        on_progress=on_progress,
    )
