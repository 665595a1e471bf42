"""The network: the first eleven blocks of EfficientNet-Lite0 as encoder, and a small decoder.

Three channels, 256 x 256, each a window of the same slice mapped to 0…1. Outputs: where blood is,
and whether the slice shows any. The score rests on the strongest evidence of the mask and on the
deep features, so that pictures of which only "bleeding or not" is known teach the mask too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.encoder.efficientnet_lite import Encoder, doubled

SIZE = 256
STRIDE_16 = 112  # channels of the deepest features
FROZEN = 3  # first blocks that keep their ImageNet weights; a third of the time of a step
_EVIDENCE_PIXELS = 24  # at half resolution: about 0.8 cm² of a slice with pixels of 0.9 mm


class HeadNet(nn.Module):  # type: ignore[misc]
    """Encoder, decoder without normalisation, and the score of the slice."""

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 48)) -> None:
        super().__init__()
        self.encoder = Encoder()
        half, quarter, eighth = widths
        self.join_8 = nn.Conv2d(STRIDE_16 + 40, eighth, 3, padding=1)
        self.join_4 = nn.Conv2d(eighth + 24, quarter, 3, padding=1)
        self.join_2 = nn.Conv2d(quarter + 16, half, 3, padding=1)
        self.mask = nn.Conv2d(half, 1, 3, padding=1)
        pooled = 2 * STRIDE_16
        self.deep = nn.Sequential(nn.LayerNorm(pooled), nn.Dropout(0.3), nn.Linear(pooled, 1))
        self.weigh_evidence = nn.Linear(1, 1)
        with torch.no_grad():
            self.mask.bias.fill_(-4.0)
            self.weigh_evidence.weight.fill_(0.5)
            self.weigh_evidence.bias.fill_(1.0)
            self.deep[2].weight.mul_(0.2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the mask (slices, 1, 256, 256) and of the score (slices, 1)."""
        half, quarter, eighth, deep = self.encoder(x)
        y = F.relu(self.join_8(torch.cat([doubled(deep), eighth], 1)))
        y = F.relu(self.join_4(torch.cat([doubled(y), quarter], 1)))
        y = F.relu(self.join_2(torch.cat([doubled(y), half], 1)))
        coarse = self.mask(y)
        evidence = coarse.flatten(1).topk(_EVIDENCE_PIXELS, 1).values.mean(1, keepdim=True)
        pooled = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)
        score = self.deep(pooled) + self.weigh_evidence(evidence)
        fine = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        return fine, score


class Calibrated(nn.Module):  # type: ignore[misc]
    """The exported form: probabilities, the score by the calibration that was fitted out of fold.

    Parameters
    ----------
    slope, offset : of the score's logit
    """

    def __init__(self, network: HeadNet, slope: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.slope, self.offset = slope, offset

    def forward(self, slices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probability of blood at each pixel, and that the slice shows any."""
        mask, score = self.network(slices)
        return torch.sigmoid(mask), torch.sigmoid(self.slope * score + self.offset)
