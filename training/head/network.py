"""The network: the first eleven blocks of EfficientNet-Lite0 as encoder, and a small decoder.

Three channels, 256 x 256, each a window of the same slice mapped to 0…1. Outputs: where blood is,
and whether the slice shows any. The score rests on the strongest evidence of the mask and on the
deep features, so that pictures of which only "bleeding or not" is known teach the mask too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 256
STRIDE_16 = 112  # channels of the deepest features
_EVIDENCE_PIXELS = 24  # at half resolution: about 0.8 cm² of a slice with pixels of 0.9 mm

_BLOCKS = (
    # inputs, outputs, kernel, stride, expansion (Tan et al., EfficientNet-Lite0)
    (32, 16, 3, 1, 1),
    (16, 24, 3, 2, 6),
    (24, 24, 3, 1, 6),
    (24, 40, 5, 2, 6),
    (40, 40, 5, 1, 6),
    (40, 80, 3, 2, 6),
    (80, 80, 3, 1, 6),
    (80, 80, 3, 1, 6),
    (80, 112, 5, 1, 6),
    (112, 112, 5, 1, 6),
    (112, 112, 5, 1, 6),
)
_SKIPS = (0, 2, 4)  # blocks whose outputs the decoder sees, at 1/2, 1/4 and 1/8
_FROZEN = 3  # first blocks that keep their ImageNet weights; a third of the time of a step


class _Same(nn.Conv2d):  # type: ignore[misc]  # torch is untyped to `make check`
    """A convolution padded as TensorFlow pads it: the odd pixel at the end."""

    def forward(self, x: Tensor) -> Tensor:
        total = self.kernel_size[0] - self.stride[0]
        first = total // 2
        padded = F.pad(x, (first, total - first, first, total - first))
        return F.conv2d(padded, self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):  # type: ignore[misc]
    """An inverted residual with ReLU6; named as in the published weights."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expands, self.adds = expansion > 1, inputs == outputs and stride == 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _Same(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = nn.Conv2d(wide, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        result: Tensor = self._bn2(self._project_conv(y))
        return result + x if self.adds else result


class Encoder(nn.Module):  # type: ignore[misc]
    """Blocks 0 to 10 of EfficientNet-Lite0; its normalisations stay as they were learnt."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Same(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(_Block(*shape) for shape in _BLOCKS)

    def freeze_first(self) -> None:
        """Keep the edges and textures that the first blocks know; there is little to learn from."""
        for module in (self._conv_stem, self._bn0, *self._blocks[:_FROZEN]):
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Statistics of a batch that mixes pictures, patients and phantoms are those of none."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/2, 1/4, 1/8 and 1/16 of the input's resolution."""
        y = F.relu6(self._bn0(self._conv_stem(2.0 * x - 1.0)))
        features: list[Tensor] = []
        for index, block in enumerate(self._blocks):
            y = block(y)
            if index in _SKIPS:
                features.append(y)
        return [*features, y]


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
        y = F.relu(self.join_8(torch.cat([_doubled(deep), eighth], 1)))
        y = F.relu(self.join_4(torch.cat([_doubled(y), quarter], 1)))
        y = F.relu(self.join_2(torch.cat([_doubled(y), half], 1)))
        coarse = self.mask(y)
        evidence = coarse.flatten(1).topk(_EVIDENCE_PIXELS, 1).values.mean(1, keepdim=True)
        pooled = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)
        score = self.deep(pooled) + self.weigh_evidence(evidence)
        fine = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        return fine, score


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


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
