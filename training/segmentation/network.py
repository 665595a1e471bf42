"""The network: a small 2-D U-Net whose heavy part works at half resolution.

One input channel, 256 x 256, HU mapped to 0…1 by the bundle's window. Two groups of outputs:
lung (background, right, left) and lesion (none, ground glass, consolidation).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LUNG_CLASSES = 3
LESION_CLASSES = 3


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Stage(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs)
        self.second = _convolution(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.second(self.first(x))
        return result


class ChestNet(nn.Module):  # type: ignore[misc]
    """U-Net on a strided stem; the stem's full-resolution features sharpen the outlines.

    Parameters
    ----------
    widths : channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's resolution
    stem : channels at full resolution
    """

    def __init__(
        self, widths: tuple[int, ...] = (32, 48, 64, 96, 128), stem: int = 8, neck: int = 12
    ) -> None:
        super().__init__()
        self.stem = _convolution(1, stem)
        self.halve = _convolution(stem, widths[0], stride=2)
        self.encoder = nn.ModuleList(
            _Stage(widths[max(i - 1, 0)], width) for i, width in enumerate(widths)
        )
        self.decoder = nn.ModuleList(
            _Stage(widths[i] + widths[i + 1], widths[i]) for i in reversed(range(len(widths) - 1))
        )
        self.neck = nn.Conv2d(widths[0], neck, 1)
        self.head = nn.Conv2d(neck + stem, LUNG_CLASSES + LESION_CLASSES, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of lung and of lesion, each (slices, 3, 256, 256)."""
        fine = self.stem(x)
        y = self.halve(fine)
        skips: list[Tensor] = []
        for depth, stage in enumerate(self.encoder):
            y = stage(F.max_pool2d(y, 2) if depth else y)
            skips.append(y)
        for stage, skip in zip(self.decoder, reversed(skips[:-1]), strict=True):
            y = stage(torch.cat([F.interpolate(y, scale_factor=2.0, mode="nearest"), skip], 1))
        y = F.interpolate(self.neck(y), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits = self.head(torch.cat([y, fine], 1))
        return logits[:, :LUNG_CLASSES], logits[:, LUNG_CLASSES:]


class WithProbabilities(nn.Module):  # type: ignore[misc]
    """The exported form: softmax inside, so that whoever runs it thresholds probabilities."""

    def __init__(self, network: ChestNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities of lung and of lesion, each (slices, 3, 256, 256)."""
        lung, lesion = self.network(patch)
        return torch.softmax(lung, 1), torch.softmax(lesion, 1)


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())
