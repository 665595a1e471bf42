"""The network of masks: an EfficientNet-Lite encoder, and a decoder for lungs and lesions.

Three channels, 256 x 256: the slice between the ones below and above it, HU mapped to 0…1. Outputs:
lung (background, right, left) and lesion (none, ground glass, consolidation).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.encoder.efficientnet_lite import Encoder, doubled

SIZE = 256
LUNG_CLASSES = 3
LESION_CLASSES = 3

_FINE = 8  # channels at full resolution
_NECK = 12


def _joined(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class MaskNet(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """A U-Net on a pretrained encoder.

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

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of lung and lesion, each (slices, 3, 256, 256).

        Parameters
        ----------
        x : shape (slices, 3, 256, 256), 0…1
        """
        at_2, at_4, at_8, at_16, deep = self.encoder(x)
        # What the slice shows as a whole: a belly has no lungs, however dark a loop of bowel is.
        y = deep + self.context(deep.mean((2, 3)))[:, :, None, None]
        y = self.join_16(torch.cat([doubled(y), at_16], 1))
        y = self.join_8(torch.cat([doubled(y), at_8], 1))
        y = self.join_4(torch.cat([doubled(y), at_4], 1))
        y = self.join_2(torch.cat([doubled(y), at_2], 1))
        y = F.interpolate(self.neck(y), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits = self.masks(torch.cat([y, self.fine(x)], 1))
        return logits[:, :LUNG_CLASSES], logits[:, LUNG_CLASSES:]
