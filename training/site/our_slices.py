"""Our own held-out slices, so that a loss on them is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.figures import FigureSet
from training.data.slices import SliceSet
from training.site.compare_bundles import TruthSlice


@dataclass(frozen=True)
class OurHeldOut:
    """What both bundles are scored on beside the site's own cases.

    Attributes
    ----------
    lesions, lungs : slices in which they were drawn
    figures : slices with an answer about the whole of each
    note : what a reader must know of how the base stands to them
    """

    lesions: SliceSet
    lungs: SliceSet
    figures: FigureSet
    note: str

    def truth(self) -> Iterator[TruthSlice]:
        """Every slice, with the one thing that is known of it."""
        yield from _truth(self.lesions, "lesion")
        yield from _truth(self.lungs, "lung")
        yield from _truth(self.figures.slices, "viral", self.figures.viral.tolist())


def _truth(
    slices: SliceSet, known: str, labels: Sequence[int] | None = None
) -> Iterator[TruthSlice]:
    for at, source in enumerate(slices.sources):
        yield TruthSlice(
            name=f"{slices.name} {at}",
            case=source,
            hu=slices.hu[at].astype(np.float32),
            lesion=slices.lesion[at] > 0 if known == "lesion" else None,
            lung=slices.lung[at] > 0 if known == "lung" else None,
            viral=None if labels is None else bool(labels[at]),
        )
