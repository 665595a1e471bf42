"""The network: an EfficientNet-Lite encoder, a decoder for lungs and lesions, scores of the slice.

Three channels, 256 x 256: the slice between the ones below and above it, HU mapped to 0…1. Outputs:
lung (background, right, left), lesion (none, ground glass, consolidation), and scores: whether a
figure of COVID-CT shows COVID-19, then the five signs of pneumonia. The scores rest on the deepest
features and on the strongest evidence of the lesion masks (the idea of lesion attention, Liu et al.
2020, LA-DNN, medRxiv 2020.05.11.20097907).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.encoder.efficientnet_lite import Encoder, doubled

SIZE = 256
LUNG_CLASSES = 3
LESION_CLASSES = 3
SCORES = 6  # COVID-19, and five signs

_FINE = 8  # channels at full resolution
_NECK = 12
_EVIDENCE_PIXELS = (16, 256)  # of 256 x 256: a small lesion, and a large one
_POOLED_SHARE = 0.2  # of the first weights of the scores: they begin near zero


def _joined(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ChestSlabNet(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """A U-Net on a pretrained encoder, and linear scores.

    Parameters
    ----------
    variant : of EfficientNet-Lite: 0 for what is shipped, 2 for the teacher
    widths : channels of the decoder at 1/2, 1/4, 1/8 and 1/16 of the input's resolution
    """

    def __init__(
        self, variant: int = 0, widths: tuple[int, int, int, int] = (24, 40, 64, 96)
    ) -> None:
        super().__init__()
        self.encoder = Encoder(variant, to_32=True)
        at_2, at_4, at_8, at_16, deep = self.encoder.channels
        half, quarter, eighth, sixteenth = widths
        self.context = nn.Linear(deep, deep)
        self.join_16 = _joined(deep + at_16, sixteenth)
        self.join_8 = _joined(sixteenth + at_8, eighth)
        self.join_4 = _joined(eighth + at_4, quarter)
        self.join_2 = _joined(quarter + at_2, half)
        self.fine = _joined(3, _FINE)
        self.neck = nn.Conv2d(half, _NECK, 1)
        self.masks = nn.Conv2d(_NECK + _FINE, LUNG_CLASSES + LESION_CLASSES, 3, padding=1)
        evidence = len(_EVIDENCE_PIXELS) * (LESION_CLASSES - 1)
        pooled = 2 * deep + evidence
        self.scores = nn.Sequential(
            nn.LayerNorm(pooled), nn.Dropout(0.3), nn.Linear(pooled, SCORES)
        )
        with torch.no_grad():
            self.scores[2].weight.mul_(_POOLED_SHARE)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of lung and lesion, each (slices, 3, 256, 256), and of scores (slices, 6).

        Parameters
        ----------
        x : shape (slices, 3, 256, 256), 0…1
        """
        at_2, at_4, at_8, at_16, deep = self.encoder(x)
        mean = deep.mean((2, 3))
        # What the slice shows as a whole: a belly has no lungs, however dark a loop of bowel is.
        y = deep + self.context(mean)[:, :, None, None]
        y = self.join_16(torch.cat([doubled(y), at_16], 1))
        y = self.join_8(torch.cat([doubled(y), at_8], 1))
        y = self.join_4(torch.cat([doubled(y), at_4], 1))
        y = self.join_2(torch.cat([doubled(y), at_2], 1))
        y = F.interpolate(self.neck(y), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits = self.masks(torch.cat([y, self.fine(x)], 1))
        lung, lesion = logits[:, :LUNG_CLASSES], logits[:, LUNG_CLASSES:]
        pooled = torch.cat([mean, deep.amax((2, 3)), _evidence(lesion)], 1)
        return lung, lesion, self.scores(pooled)


def _evidence(lesion: Tensor) -> Tensor:
    """How strong the strongest pixels of each kind of lesion are, against no lesion."""
    against = (lesion[:, 1:] - lesion[:, :1]).flatten(2)
    strongest = against.topk(max(_EVIDENCE_PIXELS), 2).values
    return torch.cat([strongest[..., :count].mean(2) for count in _EVIDENCE_PIXELS], 1)
