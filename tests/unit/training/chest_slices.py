"""Slices and figures of which one knows what is drawn in them."""

from __future__ import annotations

import numpy as np

from training.chest.network import SIZE
from training.data.figures import FigureSet
from training.data.slices import LESION_OF_UNKNOWN_KIND, SliceSet


def slices_of(sources: tuple[str, ...], *, around: bool = False) -> SliceSet:
    """Two boxes of lung with a lesion in one, a slice for each source."""
    count = len(sources)
    hu = np.full((count, SIZE, SIZE), -860, dtype=np.float16)
    hu += np.arange(count, dtype=np.float16)[:, None, None]
    lung = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    lung[:, 60:180, 40:110], lung[:, 60:180, 150:220] = 1, 2
    lesion = np.zeros_like(lung)
    lesion[:, 100:120, 50:70] = LESION_OF_UNKNOWN_KIND
    beside = np.stack([hu - 100, hu + 100], 1) if around else None
    return SliceSet("any", hu, lung, lesion, sources, true_hu=True, around=beside)


def figures_of(random: np.random.Generator) -> tuple[FigureSet, np.ndarray]:
    """Sixty figures whose logits say what they show, too surely by half."""
    truth = np.arange(60) % 2
    logits = np.zeros((60, 6), dtype=np.float32)
    logits[:, 0] = 6.0 * (truth - 0.5) + random.normal(0.0, 3.0, 60)
    logits[:, 1:] = logits[:, :1]
    signs = np.repeat(truth[:, None], 5, axis=1).astype(np.int8)
    return FigureSet(slices_of(tuple(map(str, range(60)))), truth.astype(np.int8), signs), logits
