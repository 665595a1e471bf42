"""What the network of masks is fitted to: lungs and lesions that were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from training.chest.network import MaskNet
from training.data.augment import augment, to_network_input
from training.fit import Loss
from training.mixed_precision import mixed_precision
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.objective import BatchShare, draw_batch


@dataclass(frozen=True)
class MaskObjective:
    """The loss of a step.

    Attributes
    ----------
    drawn : sets with lungs or lesions
    with_neighbours : whether the network sees the slices below and above
    """

    drawn: Sequence[BatchShare]
    with_neighbours: bool = True

    def __call__(self, network: MaskNet, seed: int) -> Loss:
        """Draw the step's batch, vary it, run the network; the same seed gives the same loss."""
        batch, trust = draw_batch(self.drawn, seed, with_neighbours=True)
        if not self.with_neighbours:
            batch = replace(batch, hu=batch.hu[:, 1:2].expand(-1, 3, -1, -1).contiguous())
        varied = augment(batch, torch.Generator().manual_seed(seed))
        x = to_network_input(varied.hu).contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            lung_logits, lesion_logits = network(x)
        lung = lung_loss(lung_logits.float(), varied.lung)
        lesion = lesion_loss(lesion_logits.float(), varied.lesion, trust)
        parts = {"lung": float(lung.detach()), "lesion": float(lesion.detach())}
        return Loss(lung + lesion, parts)
