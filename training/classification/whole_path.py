"""The classifier's answer about a slice in HU, with a gradient all the way back to the slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from models.schema_2.view import ViewBox, find_box
from training.classification.network import VIRAL, ViewNet
from training.classification.views import MARGIN, VIEW
from training.data.augment import to_network_input
from training.data.slices import GRID
from training.segmentation.network import ChestNet

_WHOLE: Final = ViewBox(0.0, 0.0, float(GRID))


@dataclass(frozen=True)
class WholePath:
    """From a slice to an answer: lungs and lesions, views of them, members, mirror images.

    What a view is cut to has no gradient: it stays where it is while a slice is moved a little.
    """

    segmentation: ChestNet
    members: Sequence[ViewNet]

    def logit(self, hu: Tensor) -> Tensor:
        """Logit of a viral pattern in each slice, not calibrated: as `logits_of`, its mean.

        Parameters
        ----------
        hu : shape (slices, 1, 256, 256)
        """
        views = self._views(hu)
        said = [
            member.eval()(one)[0][:, VIRAL]
            for member in self.members
            for one in (views, views.flip(3))
        ]
        return torch.stack(said).mean(0)

    def _views(self, hu: Tensor) -> Tensor:
        """As `models.schema_2.view.lung_view`; where it shrinks, pixels are not averaged."""
        x = to_network_input(hu)
        masks = self.segmentation.eval()(x)
        lung, lesion = (torch.softmax(one, 1)[:, 1:].sum(1, keepdim=True) for one in masks)
        boxes = [find_box(one[0].numpy(), MARGIN) for one in lung.detach()]
        whole = [_WHOLE] * len(boxes)
        enlarged = [_cut(one, boxes) for one in (x, lung, lesion)]
        return torch.cat([*enlarged, *(_cut(one, whole) for one in (x, lesion))], 1)


def _cut(images: Tensor, boxes: Sequence[ViewBox]) -> Tensor:
    """Boxes of images (slices, 1, rows, columns), linear between pixels, 0 outside."""
    side = float(images.shape[-1])
    places = torch.zeros(len(boxes), 2, 3)
    for place, box in zip(places, boxes, strict=True):
        place[0, 0] = place[1, 1] = box.side / side
        place[0, 2] = (2.0 * box.left + box.side) / side - 1.0
        place[1, 2] = (2.0 * box.top + box.side) / side - 1.0
    grid = F.affine_grid(places, [len(boxes), 1, VIEW, VIEW], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
