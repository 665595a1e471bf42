"""Finds what goes on with a base, by its schema."""

from __future__ import annotations

from models.catalogue import UsableBundle, reads_chests
from models.schema_2.bundle import Bundle
from radiology.errors import BundleRejected
from training.site.learner import Learner
from training.site.of_schema_2.learner import PairLearner
from training.site.of_schema_3.learner import ChestLearner


def open_learner(base: UsableBundle) -> Learner:
    """Read a base's weights back.

    Raises
    ------
    BundleRejected
        The base is not one that today's training goes on with, or its weights answer otherwise
        than its files do.
    """
    if isinstance(base, Bundle):
        return PairLearner.of(base)
    if not reads_chests(base):
        raise BundleRejected(
            f"{base.name}/{base.version} does not read chests; only chest bundles are trained here"
        )
    return ChestLearner.of(base)
