"""Fits a network to an objective; may stop at any time and resumes from the checkpoint."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

_CHECKPOINT_EVERY = 100
_LOG_EVERY = 25
_AVERAGE_DECAY = 0.99
_WARM_UP_STEPS = 40

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Loss:
    """What a step minimises, and its parts for the log."""

    total: Tensor
    parts: Mapping[str, float]


Objective = Callable[[nn.Module, int], Loss]
"""Called with the network, in training mode, and the step's seed."""


@dataclass(frozen=True)
class Schedule:
    """How long and how hard.

    Attributes
    ----------
    encoder_share : of the rate, for parameters of a module named `encoder`: what was learnt
        before is changed with care
    """

    steps: int
    peak_rate: float
    seed: int
    weight_decay: float = 0.01
    encoder_share: float = 1.0

    @property
    def label(self) -> str:
        """What a checkpoint must have been made under to be gone on with."""
        rate = f"{self.peak_rate:g}"
        if self.encoder_share != 1.0:
            rate += f" ({self.encoder_share:g} of it for the encoder)"
        return f"{self.steps} steps, rate {rate}, seed {self.seed}"

    def rate(self, step: int) -> float:
        """Learning rate: linear warm-up, then half a cosine down to a fiftieth of the peak."""
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        cosine = 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
        return self.peak_rate * warm * (0.02 + 0.98 * cosine)


def _average(into: nn.Module, network: nn.Module, step: int) -> None:
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


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """What is trained, with the share of the rate of each part; what is frozen is left out."""
    parts: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            share = schedule.encoder_share if name.startswith("encoder.") else 1.0
            parts.setdefault(share, []).append(parameter)
    return [{"params": part, "share": share} for share, part in parts.items()]


def _laid_out(network: nn.Module) -> nn.Module:
    """With channels last in memory, which is faster; of volumes PyTorch has no such form here."""
    volumes = any(isinstance(one, nn.Conv3d) for one in network.modules())
    return network if volumes else network.to(memory_format=torch.channels_last)


class _Run:
    """Network, running average and optimiser at some step."""

    def __init__(self, start: nn.Module, schedule: Schedule, checkpoint: Path) -> None:
        self.network = _laid_out(copy.deepcopy(start))
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            _groups(self.network, schedule),
            lr=schedule.peak_rate,
            weight_decay=schedule.weight_decay,
        )
        self.schedule = schedule
        self.checkpoint = checkpoint
        self.step = 0

    def resume(self) -> None:
        if not self.checkpoint.exists():
            return
        stored = torch.load(self.checkpoint, weights_only=True)
        if stored["schedule"] != self.schedule.label:
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
                "schedule": self.schedule.label,
            },
            partial,
        )
        partial.replace(self.checkpoint)  # an interruption leaves the old one whole

    def advance(self, objective: Objective) -> Mapping[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step) * group["share"]
        self.network.train()
        seed = self.schedule.seed * 1_000_003 + self.step
        torch.manual_seed(seed)  # dropout: the same after an interruption as without one
        loss = objective(self.network, seed)
        self.optimiser.zero_grad()
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        _average(self.average, self.network, self.step)
        self.step += 1
        return loss.parts


def fit(
    start: Network,
    objective: Callable[[], Objective],
    schedule: Schedule,
    checkpoint: Path,
    *,
    validate: Callable[[Network], str],
    validate_every: int = 300,
    checkpoint_every: int = _CHECKPOINT_EVERY,
) -> Network:
    """Train from `start`, or from the checkpoint where there is one.

    Parameters
    ----------
    start : not changed
    objective : makes what every step minimises; not called when no step is left
    checkpoint : file; also says that the stage is finished, so that a rerun costs nothing
    validate : called now and then with the averaged network; returns a line for the log

    Returns
    -------
    The running average of the weights, in evaluation mode.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    run = _Run(start, schedule, checkpoint)
    run.resume()
    average: Network = run.average
    if run.step == schedule.steps:
        return average
    step_loss = objective()
    began, first = time.monotonic(), run.step
    sums: Counter[str] = Counter()
    while run.step < schedule.steps:
        sums.update(run.advance(step_loss))
        if run.step % _LOG_EVERY == 0:
            pace = (time.monotonic() - began) / (run.step - first)
            means = ", ".join(f"{name} {value / _LOG_EVERY:.3f}" for name, value in sums.items())
            log.info(
                "%s: step %d of %d, loss %s, %.2f s a step, %.0f min left",
                *(checkpoint.stem, run.step, schedule.steps, means, pace),
                pace * (schedule.steps - run.step) / 60.0,
            )
            sums.clear()
        if run.step % checkpoint_every == 0 or run.step == schedule.steps:
            run.save()
        if run.step % validate_every == 0:
            log.info("%s: step %d: %s", checkpoint.stem, run.step, validate(average))
    return average
