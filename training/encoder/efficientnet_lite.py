"""EfficientNet-Lite 0, 1 and 2 without their last stages: features at 1/2 to 1/16, or to 1/32.

Tan and Le, "EfficientNet", arXiv:1905.11946; the Lite variants (ReLU6, no squeeze-and-excite, so
that they quantise well) are TensorFlow's. Modules are named as in the published weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stage of EfficientNet-B0: its blocks, and how they are scaled."""

    outputs: int
    repeats: int
    kernel: int
    stride: int
    expansion: int


_STAGES: Final = (
    _Stage(16, 1, 3, 1, 1),
    _Stage(24, 2, 3, 2, 6),
    _Stage(40, 2, 5, 2, 6),
    _Stage(80, 3, 3, 2, 6),
    _Stage(112, 3, 5, 1, 6),
    _Stage(192, 4, 5, 2, 6),
    _Stage(320, 1, 3, 1, 6),
)
_STEM: Final = 32  # channels; not scaled in the Lite variants
_SCALES: Final = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # of width and depth, by variant
VARIANTS: Final = tuple(_SCALES)
_CHANNELS_IN_STEPS_OF: Final = 8
_LEAST_OF_WIDTH: Final = 0.9  # rounding down may not take more
_STAGES_TO_16: Final = 5


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
    """An inverted residual with ReLU6."""

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


def _width(channels: int, scale: float) -> int:
    step = _CHANNELS_IN_STEPS_OF
    rounded = max(step, int(channels * scale + step / 2) // step * step)
    return rounded + step if rounded < _LEAST_OF_WIDTH * channels * scale else rounded


class Encoder(nn.Module):  # type: ignore[misc]
    """The stem and the first stages; its normalisations stay as they were learnt.

    Parameters
    ----------
    variant : 0, 1 or 2
    to_32 : whether the stages at 1/32 of the input's resolution belong to it too

    Attributes
    ----------
    channels : of the features that `forward` returns, from the finest to the deepest
    """

    def __init__(self, variant: int = 0, *, to_32: bool = False) -> None:
        super().__init__()
        width, depth = _SCALES[variant]
        stages = _STAGES if to_32 else _STAGES[:_STAGES_TO_16]
        self._conv_stem = _Same(3, _STEM, 3, 2, bias=False)
        self._bn0 = _norm(_STEM)
        blocks: list[_Block] = []
        inputs, self.channels, self._shown = _STEM, [], []
        for index, stage in enumerate(stages):
            outputs = _width(stage.outputs, width)
            ends = index in (0, len(_STAGES) - 1)  # these are not deepened
            repeats = stage.repeats if ends else math.ceil(stage.repeats * depth)
            for number in range(repeats):
                stride = stage.stride if number == 0 else 1
                blocks.append(_Block(inputs, outputs, stage.kernel, stride, stage.expansion))
                inputs = outputs
            if index == len(stages) - 1 or stages[index + 1].stride > 1:
                self._shown.append(len(blocks) - 1)
                self.channels.append(outputs)
        self._blocks = nn.ModuleList(blocks)

    def freeze_first(self, blocks: int) -> None:
        """Keep the stem and the first blocks as they are: edges and textures of any picture."""
        for module in (self._conv_stem, self._bn0, *self._blocks[:blocks]):
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Keep the statistics: those of a batch of mixed origins are those of none of them."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/2, 1/4, 1/8 and 1/16 (and 1/32) of the input's resolution.

        Parameters
        ----------
        x : shape (slices, 3, rows, columns), 0…1; sides are multiples of 16, or of 32
        """
        y = F.relu6(self._bn0(self._conv_stem(2.0 * x - 1.0)))
        features: list[Tensor] = []
        for index, block in enumerate(self._blocks):
            y = block(y)
            if index in self._shown:
                features.append(y)
        return features


def doubled(x: Tensor) -> Tensor:
    """Features at twice the resolution, each pixel repeated."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def load_weights(encoder: Encoder, stored: dict[str, torch.Tensor]) -> None:
    """Take an encoder's weights from the published ones.

    Raises
    ------
    KeyError
        A weight is missing.
    RuntimeError
        A weight has another shape: those of another variant were given.
    """
    encoder.load_state_dict({name: stored[name] for name in encoder.state_dict()})
