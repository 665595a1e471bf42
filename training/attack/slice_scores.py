"""What bundles say of single slices, with a gradient back to the slice in HU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from torch import nn

from models.catalogue import UsableBundle
from models.declared_bundle import DeclaredBundle
from training.chest.release.export import SCORES_FILE
from training.chest.scores.network import SIZE
from training.chest.scores.predict import viral_logit
from training.classification.whole_path import WholePath
from training.data.slices import GRID
from training.scoring.attack import Logit
from training.site.of_schema_2.read_back import read_classification, read_segmentation
from training.site.of_schema_3.bundle import network_file
from training.site.of_schema_3.read_back import read_scores

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class SliceScores:
    """How a bundle is asked about slices.

    Attributes
    ----------
    logit : of a viral pattern, not calibrated
    size : rows and columns of the slices
    """

    logit: Logit
    size: int


def slice_scores(bundle: UsableBundle) -> SliceScores:
    """Read the networks of a bundle back.

    Raises
    ------
    BundleRejected
        It has other networks than those that are trained today.
    """
    if isinstance(bundle, DeclaredBundle):
        scores = still(read_scores(network_file(bundle, SCORES_FILE)))
        return SliceScores(viral_logit(scores), SIZE)
    members = still(read_classification(bundle)).members
    return SliceScores(WholePath(still(read_segmentation(bundle)), members).logit, GRID)


def still(network: Network) -> Network:
    """No weight takes a gradient: only what is shown does."""
    network.eval().requires_grad_(False)
    return network
