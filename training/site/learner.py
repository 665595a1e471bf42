"""The protocol of what goes on with a base's networks: one for each schema of bundles.

learner ──beside our own slices──▶ learner ──learn──▶ networks ──write──▶ candidate ──declare──▶
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.catalogue import UsableBundle
from training.site.cases import SiteSlice
from training.site.our_slices import OurHeldOut


@dataclass(frozen=True)
class LearningPlan:
    """How long, and from which random numbers.

    Attributes
    ----------
    build : where checkpoints are kept, for this base and these cases alone
    """

    build: Path
    seed: int
    steps: int


def not_looked_at(_: object) -> str:
    """What the log says in place of a validation: the held-out cases choose nothing."""
    return "the held-out cases are not looked at"


class WrittenCandidate(Protocol):
    """A folder with networks and whatever else the base has."""

    def declare(self) -> UsableBundle:
        """Write the declaration over the files that are there now, and read the bundle back.

        Raises
        ------
        BundleRejected
            The base is declared in a way that this program does not write.
        """
        ...


class LearntNetworks(Protocol):
    """What came out of the training."""

    @property
    def learnt(self) -> str:
        """What went on, in words."""
        ...

    @property
    def steps(self) -> Mapping[str, int]:
        """Of each training."""
        ...

    def write(self, folder: Path) -> WrittenCandidate:
        """Write the networks, and copy what was not trained.

        Parameters
        ----------
        folder : `<name>/<version>`, which does not exist

        Raises
        ------
        ExportDiffers
            ONNX Runtime does not answer as PyTorch does.
        """
        ...


class Learner(Protocol):
    """A base whose weights were read back and answer as its files do."""

    @property
    def ours(self) -> OurHeldOut | None:
        """Our own held-out slices; None without any of ours."""
        ...

    def beside(self, data: Path) -> Learner:
        """The same with our own slices beside the site's, so that nothing is forgotten.

        Parameters
        ----------
        data : the folder around training/

        Raises
        ------
        OSError, SplitMismatch, FoldMismatch
            It is not the data that the base was trained on.
        """
        ...

    def learn(self, slices: Sequence[SiteSlice], plan: LearningPlan) -> LearntNetworks:
        """Go on with what these slices say something about; the base's networks stay as they are.

        Raises
        ------
        SettingsRefused
            Nothing can be learnt.
        """
        ...
