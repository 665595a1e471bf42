"""Fit a network to weighted sets of slices; stop at any time and go on from the checkpoint."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.augment import Batch, augment, to_network_input
from training.loss import lesion_loss, lung_loss
from training.network import ChestNet
from training.slices import SliceSet

log = logging.getLogger(__name__)

_CHECKPOINT_EVERY = 100
_LOG_EVERY = 25
_AVERAGE_DECAY = 0.99
_WARM_UP_STEPS = 40


@dataclass(frozen=True)
class Share:
    """One set's part in every batch.

    Attributes
    ----------
    count : slices a batch
    paste : whether synthetic opacities are painted into them
    trust : weight of their lesion labels, 0 for none
    """

    slices: SliceSet
    count: int
    paste: bool = False
    trust: float = 1.0


@dataclass(frozen=True)
class Schedule:
    """How long and how hard."""

    steps: int
    peak_rate: float
    seed: int

    def rate(self, step: int) -> float:
        """Learning rate: linear warm-up, then half a cosine down to a fiftieth of the peak."""
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        cosine = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
        return self.peak_rate * warm * (0.02 + 0.98 * cosine)


def draw_batch(shares: Sequence[Share], seed: int) -> tuple[Batch, Tensor]:
    """Draw one batch; the same seed draws the same slices."""
    random = np.random.default_rng(seed)
    hu, lung, lesion, true_hu, paste, trust = [], [], [], [], [], []
    for share in shares:
        for i in random.choice(len(share.slices), share.count, replace=False):
            hu.append(share.slices.hu[i].astype(np.float32))
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


def _average(into: ChestNet, network: ChestNet, step: int) -> None:
    """Running average of the weights: steadier than the last step's."""
    decay = min(_AVERAGE_DECAY, (1.0 + step) / (10.0 + step))
    with torch.no_grad():
        for kept, fresh in zip(
            into.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.lerp_(fresh, 1.0 - decay)
            else:
                kept.copy_(fresh)


class _Run:
    """Network, running average and optimiser at some step."""

    def __init__(self, start: ChestNet, schedule: Schedule, checkpoint: Path) -> None:
        self.network = copy.deepcopy(start).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=schedule.peak_rate, weight_decay=0.01
        )
        self.schedule = schedule
        self.checkpoint = checkpoint
        self.step = 0

    def resume(self) -> None:
        if not self.checkpoint.exists():
            return
        stored = torch.load(self.checkpoint, weights_only=True)
        if stored["schedule"] != (self.schedule.steps, self.schedule.seed):
            log.warning("checkpoint %s is of another schedule: starting over", self.checkpoint)
            return
        self.network.load_state_dict(stored["network"])
        self.average.load_state_dict(stored["average"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.step = stored["step"]
        log.info("%s: going on from step %d", self.checkpoint.stem, self.step)

    def save(self) -> None:
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "schedule": (self.schedule.steps, self.schedule.seed),
            },
            partial,
        )
        partial.replace(self.checkpoint)  # an interruption leaves the old one whole

    def advance(self, shares: Sequence[Share], lesions: bool) -> tuple[float, float]:
        seed = self.schedule.seed * 1_000_003 + self.step
        batch, trust = draw_batch(shares, seed)
        varied = augment(batch, torch.Generator().manual_seed(seed))
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        self.network.train()
        x = to_network_input(varied.hu).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            lung_logits, lesion_logits = self.network(x)
        lung = lung_loss(lung_logits.float(), varied.lung)
        lesion = lesion_loss(lesion_logits.float(), varied.lesion, trust)
        total = lung + lesion if lesions else lung
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        _average(self.average, self.network, self.step)
        self.step += 1
        return float(lung.detach()), float(lesion.detach())


def fit(
    start: ChestNet,
    shares: Callable[[], Sequence[Share]],
    schedule: Schedule,
    checkpoint: Path,
    *,
    lesions: bool,
    validate: Callable[[ChestNet], str],
    validate_every: int = 300,
    checkpoint_every: int = _CHECKPOINT_EVERY,
) -> ChestNet:
    """Train from `start`, or from the checkpoint where there is one.

    Parameters
    ----------
    start : not changed
    shares : gives what every batch is made of; not called when no step is left
    checkpoint : file; also says that the stage is finished, so that a rerun costs nothing
    lesions : whether the lesion loss counts (otherwise lungs only)
    validate : called now and then with the averaged network; returns a line for the log

    Returns
    -------
    The running average of the weights, in evaluation mode.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    run = _Run(start, schedule, checkpoint)
    run.resume()
    parts = shares() if run.step < schedule.steps else ()
    began, first = time.monotonic(), run.step
    sums = np.zeros(2)
    while run.step < schedule.steps:
        sums += run.advance(parts, lesions)
        if run.step % _LOG_EVERY == 0:
            pace = (time.monotonic() - began) / (run.step - first)
            left = pace * (schedule.steps - run.step) / 60.0
            mean = sums / _LOG_EVERY
            log.info(
                "%s: step %d of %d, lung loss %.3f, lesion loss %.3f, %.2f s a step, %.0f min left",
                *(checkpoint.stem, run.step, schedule.steps, mean[0], mean[1], pace, left),
            )
            sums[:] = 0.0
        if run.step % checkpoint_every == 0 or run.step == schedule.steps:
            run.save()
        if run.step % validate_every == 0:
            log.info("%s: step %d: %s", checkpoint.stem, run.step, validate(run.average))
    average: ChestNet = run.average
    return average
