"""Goes on with a base of schema 2: the segmentation, then each member of the classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.schema_2.bundle import Bundle
from radiology.errors import BundleRejected
from training.classification.network import Ensemble
from training.classification.views import VIEW
from training.data.figures import read_covid_ct
from training.data.slices import GRID
from training.release.write_bundle import calibration_patches
from training.segmentation.network import ChestNet
from training.segmentation.stages import read_corpus
from training.site.cases import SiteSlice
from training.site.learner import LearningPlan
from training.site.of_schema_2.bundle import PairLearnt, views_as_input
from training.site.of_schema_2.fine_tune import (
    House,
    fine_tune_members,
    fine_tune_segmentation,
    house_views,
    lungs_seen_by,
    site_views,
    steps_of_member,
)
from training.site.of_schema_2.read_back import (
    read_classification,
    read_segmentation,
    with_members,
)
from training.site.our_slices import OurHeldOut
from training.site.slice_set import learnable, slice_set

HOUSE_SEEN = (
    "The base had seen most of our own held-out slices in its last steps, after it was scored: "
    "its figures there flatter it, and a small loss of the new bundle is no loss for certain."
)


@dataclass(frozen=True)
class PairLearner:
    """The networks of a base of schema 2; see `training.site.learner.Learner`."""

    base: Bundle
    segmentation: ChestNet
    classifier: Ensemble
    house: House | None = None

    @classmethod
    def of(cls, base: Bundle) -> PairLearner:
        """Read the weights back.

        Raises
        ------
        BundleRejected
            There are not both networks, each in two forms; or they answer otherwise than their
            files do.
        """
        files = (base.networks.segmentation, base.networks.classification)
        if any(one is None or one.int8 is None for one in files):
            raise BundleRejected(
                f"{base.name}/{base.version} has not the two networks, each in two forms, that "
                "are trained today; take a newer one as the base"
            )
        return cls(base, read_segmentation(base), read_classification(base))

    def beside(self, data: Path) -> PairLearner:
        """The same with our own slices beside the site's."""
        return replace(self, house=House(data, read_corpus(data)))

    @property
    def ours(self) -> OurHeldOut | None:
        """Our own held-out slices."""
        if self.house is None:
            return None
        corpus = self.house.corpus
        return OurHeldOut(
            lesions=corpus.doctors.held_out,
            lungs=corpus.lungs2d.held_out,
            figures=read_covid_ct(self.house.data).val,
            note=HOUSE_SEEN,
        )

    def learn(self, slices: Sequence[SiteSlice], plan: LearningPlan) -> PairLearnt:
        """Go on with the networks that the slices say something about."""
        learns = learnable(slices)
        network, house = self.segmentation, self.house
        site = slice_set(slices, lungs_seen_by(network))
        if learns.lesions:
            network = fine_tune_segmentation(network, site, house, plan)
        views = site_views(slices, site, network) if learns.scores else None
        ours = house_views(house, network) if learns.scores and house else None
        changed = None
        if views is not None:
            members = fine_tune_members(list(self.classifier.members), views, ours, plan)
            changed = with_members(self.classifier, members)
        return PairLearnt(
            base=self.base,
            learnt=learns.words,
            steps={"segmentation": plan.steps, "member": steps_of_member(plan)},
            segmentation=network if learns.lesions else None,
            classification=changed,
            site=site,
            views=views,
            more_patches=(
                calibration_patches(house.corpus)
                if house
                else np.zeros((0, 1, GRID, GRID), np.float32)
            ),
            more_views=views_as_input(ours) if ours else np.zeros((0, 5, VIEW, VIEW), np.float32),
        )
