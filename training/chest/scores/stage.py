"""The stage that fits the score network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from training.chest.scores.network import ScoreNet
from training.chest.scores.objective import FigureShare, ScoreObjective
from training.chest.scores.predict import score
from training.data.figures import CovidCt, FigureSet
from training.encoder.published import pretrained
from training.fit import Schedule, fit
from training.segmentation.score import auc

STEPS: Final = 600
_SEED: Final = 70
_RATE: Final = 1e-3
_ENCODER_SHARE: Final = 0.3  # of the rate, where the encoder knows pictures
_FROZEN_BLOCKS: Final = 3  # of such an encoder: edges and textures
_ASKED, _OTHERS = 16, 8  # figures of a batch


@dataclass(frozen=True)
class TrainedScores:
    """The network that is shipped, and one of the same recipe that is scored.

    Attributes
    ----------
    shipped : trained on COVID-CT train and val
    scored : trained on train alone: what it says of val makes the figures and the calibration
    """

    shipped: ScoreNet
    scored: ScoreNet


def fit_scores(
    covid_ct: CovidCt,
    sars_cov2_ct: FigureSet,
    weights: Path | None,
    build: Path,
    *,
    seed: int = 1,
    shorten: int = 1,
) -> TrainedScores:
    """Fit both networks.

    Parameters
    ----------
    weights : published ones of the encoder; None for one that knows nothing
    build : where checkpoints are kept
    shorten : a stage has so many times fewer steps
    """

    val = covid_ct.val

    def on_val(network: ScoreNet) -> str:
        viral = score(network, val.slices)[:, 0].astype(np.float64)
        return f"AUC of COVID-CT val {auc(viral, val.viral):.3f}"

    schedule = Schedule(
        max(STEPS // shorten, 1),
        _RATE,
        seed * 100 + _SEED,
        encoder_share=1.0 if weights is None else _ENCODER_SHARE,
    )

    def fitted(asked: FigureSet, name: str, validate: Callable[[ScoreNet], str]) -> ScoreNet:
        objective = ScoreObjective(
            (FigureShare(asked, _ASKED),), (FigureShare(sars_cov2_ct, _OTHERS),)
        )
        return fit(
            _new_network(weights, schedule.seed),
            lambda: objective,
            schedule,
            build / f"{name}.pt",
            validate=validate,
        )

    return TrainedScores(
        shipped=fitted(covid_ct.both, "scores", lambda _: "val was trained on"),
        scored=fitted(covid_ct.train, "scores-train", on_val),
    )


def _new_network(weights: Path | None, seed: int) -> ScoreNet:
    torch.manual_seed(seed)
    network = ScoreNet()
    if weights is not None:
        pretrained(network.encoder, weights).freeze_first(_FROZEN_BLOCKS)
    return network
