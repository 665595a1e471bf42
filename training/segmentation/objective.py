"""The objective of the segmentation network: weighted sets of varied slices, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.augment import Batch, augment, to_network_input
from training.data.slices import SliceSet
from training.fit import Loss
from training.mixed_precision import mixed_precision
from training.segmentation.loss import lesion_loss, lung_loss


@dataclass(frozen=True)
class BatchShare:
    """One set's part in every batch.

    Attributes
    ----------
    count : slices a batch
    paste : whether synthetic opacities are painted into them
    trust : weight of their lesion labels, 0 for none
    evenly : whether a source of four times as many slices is drawn only twice as often
    """

    slices: SliceSet
    count: int
    paste: bool = False
    trust: float = 1.0
    evenly: bool = False

    def draw(self, random: np.random.Generator) -> NDArray[np.intp]:
        """Places of the slices of one batch."""
        return random.choice(len(self.slices), self.count, replace=False, p=self.chances)

    @cached_property
    def chances(self) -> NDArray[np.float64] | None:
        """Of each slice to be drawn; None where all are alike."""
        if not self.evenly:
            return None
        _, source, counts = np.unique(
            np.array(self.slices.sources), return_inverse=True, return_counts=True
        )
        weight = 1.0 / np.sqrt(counts[source])
        chances: NDArray[np.float64] = weight / weight.sum()
        return chances


def draw_batch(
    shares: Sequence[BatchShare], seed: int, *, with_neighbours: bool = False
) -> tuple[Batch, Tensor]:
    """Draw one batch; the same seed draws the same slices.

    Parameters
    ----------
    with_neighbours : three channels, the slice between the ones below and above; where a slice
        stands alone it stands in for them
    """
    random = np.random.default_rng(seed)
    hu, lung, lesion, true_hu, paste, trust = [], [], [], [], [], []
    for share in shares:
        for i in share.draw(random):
            hu.append(_channels(share.slices, int(i), with_neighbours=with_neighbours))
            lung.append(share.slices.lung[i])
            lesion.append(share.slices.lesion[i])
            true_hu.append(share.slices.true_hu)
            paste.append(share.paste)
            trust.append(share.trust)
    batch = Batch(
        hu=torch.from_numpy(np.stack(hu)),
        lung=torch.from_numpy(np.stack(lung).astype(np.int64)),
        lesion=torch.from_numpy(np.stack(lesion).astype(np.int64)),
        true_hu=torch.tensor(true_hu),
        paste=torch.tensor(paste),
    )
    return batch, torch.tensor(trust)


def _channels(slices: SliceSet, at: int, *, with_neighbours: bool) -> NDArray[np.float32]:
    """One slice as the network is fed it, shape (channels, rows, columns)."""
    middle: NDArray[np.float32] = slices.hu[at].astype(np.float32)
    if not with_neighbours:
        return middle[None]
    if slices.around is None:
        return np.stack([middle, middle, middle])
    below, above = slices.around[at].astype(np.float32)
    return np.stack([below, middle, above])


@dataclass(frozen=True)
class SegmentationObjective:
    """The loss of a step: lungs, and lesions where they count.

    Attributes
    ----------
    lesions : whether the lesion loss counts (otherwise lungs only)
    """

    shares: Sequence[BatchShare]
    lesions: bool

    def __call__(self, network: nn.Module, seed: int) -> Loss:
        """Draw the step's batch, vary it, run the network; the same seed gives the same loss."""
        batch, trust = draw_batch(self.shares, seed)
        varied = augment(batch, torch.Generator().manual_seed(seed))
        x = to_network_input(varied.hu).contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            lung_logits, lesion_logits = network(x)
        lung = lung_loss(lung_logits.float(), varied.lung)
        lesion = lesion_loss(lesion_logits.float(), varied.lesion, trust)
        total = lung + lesion if self.lesions else lung
        return Loss(total, {"lung": float(lung.detach()), "lesion": float(lesion.detach())})
