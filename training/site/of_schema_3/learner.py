"""Goes on with a base of schema 3 that is read as a chest: one network for everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.declared_bundle import DeclaredBundle
from training.chest.network import SIZE, ChestSlabNet
from training.chest.predict import predict, slabs_of
from training.chest.stages import ChestCorpus, read_corpus, trial_slabs
from training.data.slices import SliceSet
from training.site.cases import SiteSlice
from training.site.learner import LearningPlan
from training.site.of_schema_3.bundle import SlabLearnt, network_files
from training.site.of_schema_3.fine_tune import fine_tune_chest
from training.site.of_schema_3.read_back import read_chest
from training.site.our_slices import OurHeldOut
from training.site.slice_set import LungsSeen, learnable, slice_set, with_labels

NEVER_TRAINED_ON = (
    "Neither bundle was trained on our own held-out slices. Figures of COVID-CT among them set the "
    "calibration of the viral answer, which is the same in both."
)


@dataclass(frozen=True)
class SlabLearner:
    """The network of a base of schema 3; see `training.site.learner.Learner`."""

    base: DeclaredBundle
    network: ChestSlabNet
    corpus: ChestCorpus | None = None

    @classmethod
    def of(cls, base: DeclaredBundle) -> SlabLearner:
        """Read the weights back.

        Raises
        ------
        BundleRejected
            There is not the one network, in two forms; or it answers otherwise than its file does.
        """
        return cls(base, read_chest(network_files(base).float32))

    def beside(self, data: Path) -> SlabLearner:
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

    def learn(self, slices: Sequence[SiteSlice], plan: LearningPlan) -> SlabLearnt:
        """Go on with the network, as far as the slices say something about it."""
        learns = learnable(slices)
        site = with_labels(slices, slice_set(slices, _lungs_seen_by(self.network)))
        nothing = np.zeros((0, 3, SIZE, SIZE), dtype=np.float32)
        return SlabLearnt(
            base=self.base,
            learnt=learns.words,
            steps={"chest": plan.steps},
            network=fine_tune_chest(self.network, site, learns, self.corpus, plan),
            slabs=slabs_of(site.slices),
            more_slabs=nothing if self.corpus is None else trial_slabs(self.corpus),
        )


def _lungs_seen_by(network: ChestSlabNet) -> LungsSeen:
    """Lungs as the network sees them."""

    def seen(slices: SliceSet) -> NDArray[np.bool_]:
        lungs: NDArray[np.bool_] = predict(network, slices).lung[:, 1:].sum(axis=1) > 0.5
        return lungs

    return seen
