"""Writes the chest bundle: networks, declaration, card, figures, golden answers, digests."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.declared.section import DECLARATION
from models.release.seal import seal
from training.chest.calibrate import calibrate_scores
from training.chest.network import MaskNet
from training.chest.release.card import Release, evaluation_text, model_card
from training.chest.release.declaration import declaration
from training.chest.release.export import write_networks
from training.chest.release.figures import figures_of, lines_of
from training.chest.release.robust import measure_robustness, measure_thickness
from training.chest.release.volumes import read_volumes
from training.chest.score_folds import FoldScores
from training.chest.scores.predict import patches_of, score
from training.chest.scores.stage import TrainedScores
from training.chest.stages import ChestCorpus, FoldAnswers, trial_slabs
from training.lobes.export import write_lobes
from training.lobes.stage import TrainedLobes
from training.release.made import Made

log = logging.getLogger(__name__)

SETS: Final = (
    "covid_seg20",
    "lctsc",
    "infnet",
    "lungs2d",
    "luna_unlabelled",
    "weak",
    "covid_ct",
    "sars_cov2_ct",
    "lobe_maps",
)
"""Folders of training data that it was made of."""

EVEN_SHARE_PERCENT: Final = 0.5
"""Of the lungs; docs/case-level.md ("The rules compared") says which studies it was chosen by."""


@dataclass(frozen=True)
class Shipped:
    """The networks that are shipped."""

    masks: MaskNet
    scores: TrainedScores
    lobes: TrainedLobes


def write_release(
    shipped: Shipped,
    corpus: ChestCorpus,
    answered: Sequence[FoldAnswers],
    folds: FoldScores,
    made: Made,
    data: Path,
    out: Path,
) -> None:
    """Write and seal the bundle, read volumes with it, and write and seal it with its card.

    Parameters
    ----------
    data : the folder with training/ and ct/
    out : `<name>/<version>`
    """
    out.mkdir(parents=True, exist_ok=True)
    val = corpus.covid_ct.val
    patches = patches_of(val.slices)
    exported = write_networks(
        shipped.masks, shipped.scores.shipped, out, trial_slabs(corpus), patches
    )
    write_lobes(shipped.lobes.network, out, shipped.lobes.held_out[0].labels)
    scored = shipped.scores.scored
    scores = calibrate_scores(val, score(scored, val.slices))
    figures = [
        *figures_of(corpus, shipped.masks, scored, folds),
        *shipped.lobes.figures(),
    ]
    for line in lines_of(figures):
        log.info("%s", line)
    text = declaration(scores, folds.limits.chosen, EVEN_SHARE_PERCENT)
    (out / DECLARATION).write_text(text, encoding="utf-8")
    (out / "MODEL_CARD.md").write_text("The card is being written.\n", encoding="utf-8")
    seal(out)
    volumes = read_volumes(out, data, [(one.fold, one.network) for one in answered])
    release = Release(
        figures=figures,
        folds=folds,
        volumes=volumes,
        scores=scores,
        robustness=measure_robustness(shipped.masks, scored, folds.limits.chosen, corpus),
        thickness=measure_thickness(out),
        exported=exported,
        made=made,
    )
    (out / "MODEL_CARD.md").write_text(model_card(release), encoding="utf-8")
    (out / "evaluation.json").write_text(evaluation_text(release), encoding="utf-8")
    seal(out)
