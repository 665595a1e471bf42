"""Goes on with a base of schema 3 that is read as a chest: masks, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.declared_bundle import DeclaredBundle
from radiology.errors import BundleRejected
from training.chest.network import MaskNet
from training.chest.predict import predict
from training.chest.release.export import MASKS_FILE, SCORES_FILE
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.chest.scores.network import ScoreNet
from training.chest.stages import ChestCorpus, read_corpus
from training.data.slices import SliceSet
from training.site.cases import SiteSlice
from training.site.learner import LearningPlan
from training.site.of_schema_3.bundle import ChestLearnt, network_file
from training.site.of_schema_3.fine_tune import fine_tune_masks, fine_tune_scores
from training.site.of_schema_3.read_back import read_masks, read_scores
from training.site.our_slices import OurHeldOut
from training.site.slice_set import LungsSeen, learnable, slice_set, whole_slices, with_labels

NEVER_TRAINED_ON = (
    "Neither bundle was trained on our own held-out slices, but for the figures of COVID-CT among "
    "them: the base was, so they show what was forgotten, and not how good it is. They set the "
    "calibration of the viral answer, which is the same in both."
)


@dataclass(frozen=True)
class ChestLearner:
    """The networks of a base of schema 3; see `training.site.learner.Learner`."""

    base: DeclaredBundle
    masks: MaskNet
    scores: ScoreNet
    corpus: ChestCorpus | None = None

    @classmethod
    def of(cls, base: DeclaredBundle) -> ChestLearner:
        """Read the weights back.

        Raises
        ------
        BundleRejected
            Other networks are there, or of other sizes, or one does not answer as its file does.
        """
        side = base.inputs["scores"].size[0] if "scores" in base.inputs else 0
        if side != SCORE_SIZE:
            raise BundleRejected(
                f"Its network of scores was made by an earlier training: today's sees {SCORE_SIZE} "
                f"x {SCORE_SIZE} pixels. Begin from a newer version of the bundle",
                name=base.name,
            )
        masks = read_masks(network_file(base, MASKS_FILE))
        return cls(base, masks, read_scores(network_file(base, SCORES_FILE)))

    def beside(self, data: Path) -> ChestLearner:
        """The same with our own slices beside the site's."""
        return replace(self, corpus=read_corpus(data))

    @property
    def ours(self) -> OurHeldOut | None:
        """Our own held-out slices."""
        corpus = self.corpus
        if corpus is None:
            return None
        return OurHeldOut(
            lesions=corpus.doctors.held_out,
            lungs=corpus.lungs2d.held_out,
            figures=corpus.covid_ct.val,
            note=NEVER_TRAINED_ON,
        )

    def learn(self, slices: Sequence[SiteSlice], plan: LearningPlan) -> ChestLearnt:
        """Go on with the networks, as far as the slices say something about them."""
        learns = learnable(slices)
        masks, scores = None, None
        if learns.lesions:
            drawn = with_labels(slices, slice_set(slices, _lungs_seen_by(self.masks)))
            masks = fine_tune_masks(self.masks, drawn, self.corpus, plan)
        if learns.scores:
            whole = whole_slices(slices, SCORE_SIZE)
            scores = fine_tune_scores(self.scores, whole, self.corpus, plan)
        went_on = {"masks": learns.lesions, "scores": learns.scores}
        return ChestLearnt(
            base=self.base,
            learnt=learns.words,
            steps={name: plan.steps for name, goes_on in went_on.items() if goes_on},
            masks=masks,
            scores=scores,
        )


def _lungs_seen_by(network: MaskNet) -> LungsSeen:
    """Lungs as the network sees them."""

    def seen(slices: SliceSet) -> NDArray[np.bool_]:
        lungs: NDArray[np.bool_] = predict(network, slices).lung[:, 1:].sum(axis=1) > 0.5
        return lungs

    return seen
