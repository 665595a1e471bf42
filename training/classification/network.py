"""The classifier: a small residual network with attention pooling.

It attends to what the lesion masks mark: attention is fitted to them beside the answers, the idea
of lesion attention (Liu et al. 2020, LA-DNN, medRxiv 2020.05.11.20097907). The input has the five
channels of `models.schema_2.view`, 192 x 192; a member looks at the lungs enlarged or at the
whole slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.data.figures import SIGNS

VIRAL, SARS, ANY_DISEASE = 0, 1, 2
"""Outputs: COVID-19 as COVID-CT names it, as SARS-CoV-2 CT-scan does, and disease of any kind.

The sets differ in what stands against COVID-19, so each has an output of its own; only the first
is shipped, the others teach the features.
"""
_ANSWERS = 3


class Sight(Enum):
    """What a member looks at: some of `models.schema_2.view.CHANNELS`, the lesions last."""

    LUNGS = (0, 1, 2)
    WHOLE = (3, 4)

    @property
    def lesion(self) -> int:
        """The channel that its attention is fitted to."""
        return int(self.value[-1])


class _Residual(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.across: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.across = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(y)) + self.across(x))


class ViewNet(nn.Module):  # type: ignore[misc]
    """Answers about a whole slice, and where it looked.

    Parameters
    ----------
    sight : what of the view it looks at
    widths : channels at 1/2, 1/4, 1/8 and 1/16 of the input's resolution
    joined : channels at 1/8, where attention looks
    """

    def __init__(
        self,
        sight: Sight,
        widths: tuple[int, int, int, int] = (24, 48, 96, 112),
        joined: int = 112,
    ) -> None:
        super().__init__()
        self.sight = sight
        first, second, third, fourth = widths
        self.stem = nn.Sequential(
            nn.Conv2d(len(sight.value), first, 5, 2, 2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
        )
        self.quarter = nn.Sequential(_Residual(first, second, 2), _Residual(second, second, 1))
        self.eighth = nn.Sequential(_Residual(second, third, 2), _Residual(third, third, 1))
        self.sixteenth = _Residual(third, fourth, 2)
        self.join = nn.Conv2d(third + fourth, joined, 1, bias=False)
        self.join_norm = nn.BatchNorm2d(joined)
        self.attend = nn.Conv2d(joined, 1, 1)
        self.dropout = nn.Dropout(0.3)
        self.answer = nn.Linear(2 * joined + fourth, _ANSWERS + len(SIGNS))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of the three answers, of the five signs, and of the attention map.

        Shapes (slices, 3), (slices, 5) and (slices, 24, 24).
        """
        seen = views[:, self.sight.value[0] : self.sight.value[-1] + 1]
        fine = self.eighth(self.quarter(self.stem(seen)))
        deep = self.sixteenth(fine)
        wide = F.interpolate(deep, scale_factor=2.0, mode="nearest")
        joined = F.relu(self.join_norm(self.join(torch.cat([fine, wide], 1))))
        attention = self.attend(joined)
        weight = torch.sigmoid(attention)
        attended = (joined * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1.0)
        features = torch.cat([attended, joined.mean((2, 3)), deep.mean((2, 3))], 1)
        logits = self.answer(self.dropout(features))
        return logits[:, :_ANSWERS], logits[:, _ANSWERS:], attention[:, 0]


class Ensemble(nn.Module):  # type: ignore[misc]
    """The exported form: several members, each with calibrated probabilities.

    Parameters
    ----------
    temperature : divides the logit of the viral answer; one for all members
    sign_scale, sign_shift : logit = scale * logit + shift, for each sign
    """

    def __init__(
        self,
        members: Sequence[ViewNet],
        temperature: float,
        sign_scale: Tensor,
        sign_shift: Tensor,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.temperature = temperature
        self.register_buffer("sign_scale", sign_scale)
        self.register_buffer("sign_shift", sign_shift)

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return viral (slices, members), signs (slices, 5), heat (slices, 24, 24), all 0…1."""
        answers = [member(view) for member in self.members]
        viral = torch.stack([torch.sigmoid(a[0][:, VIRAL] / self.temperature) for a in answers], 1)
        signs = torch.stack([a[1] for a in answers]).mean(0)
        # The heat map has the place of the enlarged lungs: members that look there give it.
        looked = [a[2] for member, a in zip(self.members, answers, strict=True)
                  if member.sight is Sight.LUNGS]  # fmt: skip
        heat = torch.sigmoid(torch.stack(looked)).mean(0)
        return viral, torch.sigmoid(signs * self.sign_scale + self.sign_shift), heat
