"""Make the classifier's views of slices: the lungs, enlarged, with the lesions found in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.schema_2.view import CHANNELS, ViewBox, find_box, show
from training.data.augment import to_network_input
from training.data.figures import ASKED_OF_NOBODY, SIGNS, FigureSet
from training.data.slices import GRID, SliceSet
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

VIEW = 192  # rows and columns that the classifier sees
MARGIN = 0.08  # around the lungs, of their longer side
WIDE_VIEW = 224  # what is kept for training, so that a variation can turn and shift
EDGE = (WIDE_VIEW - VIEW) // 2  # of a wide view, on each side of what the classifier sees
_WIDE_SIDE = GRID * WIDE_VIEW / VIEW
_WHOLE = ViewBox((GRID - _WIDE_SIDE) / 2.0, (GRID - _WIDE_SIDE) / 2.0, _WIDE_SIDE)
_WIDE_MARGIN = (1.0 + 2.0 * MARGIN) * WIDE_VIEW / VIEW / 2.0 - 0.5


@dataclass(frozen=True)
class ViewSet:
    """Views with what is known of each.

    Attributes
    ----------
    views : uint8, shape (slices, 5, 224, 224), 255 is 1; channels as in
        `models.schema_2.view.CHANNELS`. The middle 192 x 192 is what the classifier sees when it
        runs.
    viral, signs : as in `training.data.figures.FigureSet`
    sources : as in `training.data.slices.SliceSet`
    """

    name: str
    views: NDArray[np.uint8]
    viral: NDArray[np.int8]
    signs: NDArray[np.int8]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sources)

    def at(self, chosen: NDArray[np.intp]) -> ViewSet:
        """The views at these places."""
        return ViewSet(
            self.name,
            self.views[chosen],
            self.viral[chosen],
            self.signs[chosen],
            tuple(self.sources[i] for i in chosen),
        )


def make_views(network: ChestNet, figures: FigureSet) -> ViewSet:
    """View every slice as the segmentation network sees it."""
    slices = figures.slices
    lung, lesion = predict(network, slices)
    attenuation = to_network_input(torch.from_numpy(slices.hu.astype(np.float32))).numpy()
    views = np.empty((len(slices), len(CHANNELS), WIDE_VIEW, WIDE_VIEW), dtype=np.uint8)
    for i in range(len(slices)):
        views[i] = _wide_view(attenuation[i], lung[i, 1:].sum(axis=0), lesion[i, 1:].sum(axis=0))
    return ViewSet(slices.name, views, figures.viral, figures.signs, slices.sources)


def _wide_view(
    attenuation: NDArray[np.float32], lung: NDArray[np.float32], lesion: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """The view with an edge around it; `models.schema_2.view.lung_view` makes its middle."""
    enlarged, whole = find_box(lung, _WIDE_MARGIN), _WHOLE
    shown = [
        *(show(image, enlarged, WIDE_VIEW) for image in (attenuation, lung, lesion)),
        *(show(image, whole, WIDE_VIEW) for image in (attenuation, lesion)),
    ]
    view: NDArray[np.uint8] = np.rint(np.stack(shown) * 255.0).astype(np.uint8)
    return view


def without_answers(slices: SliceSet) -> FigureSet:
    """Slices about which nobody said anything as a whole."""
    count = len(slices)
    return FigureSet(
        slices,
        np.full(count, ASKED_OF_NOBODY, dtype=np.int8),
        np.full((count, len(SIGNS)), ASKED_OF_NOBODY, dtype=np.int8),
    )


def middle(views: torch.Tensor) -> torch.Tensor:
    """What the classifier sees of wide views, shape (slices, 5, 192, 192)."""
    return views[..., EDGE : EDGE + VIEW, EDGE : EDGE + VIEW]
