"""The networks of a bundle of schema 2: one segments slices by themselves, one classifies views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import (
    Arrays,
    ChestModel,
    OnProgress,
    SliceAnswer,
    SliceHeat,
    SlicesToClassify,
)
from chest.model.classify_views import Classifier, classify_views
from chest.model.probability_maps import ProbabilityMaps
from models.readers.study_reader import ComingSlices
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession, NetworkSession
from models.schema_2.networks import InputGrid
from models.schema_2.view import lung_view
from radiology.algorithm import ExecutionProvider


class Session(Protocol):
    """What finding needs; `models.schema_2.network_sessions.NetworkSession` is one."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs."""
        ...

    def warm_up(self) -> None:
        """Run once on nothing."""
        ...

    def run(
        self, patches: NDArray[np.float32], on_progress: OnProgress | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Yield the index of the first patch, and lung and lesion probabilities."""
        ...


@dataclass(frozen=True)
class SessionFinder:
    """Finds with a network that sees each slice alone."""

    session: Session

    @property
    def provider(self) -> str:
        """The execution provider that really runs."""
        return self.session.provider

    def warm_up(self) -> None:
        """Run once on nothing."""
        self.session.warm_up()

    def find(
        self, patches: Arrays, slice_mm: float | None, on_progress: OnProgress | None = None
    ) -> ProbabilityMaps:
        """Answer for each slice; see `chest.model.chest_model.Finder.find`."""
        maps = ProbabilityMaps.empty(patches.shape[0], patches.shape[-1])
        for first, lung, lesion in self.session.run(patches, on_progress):
            maps.store(first, lung, lesion)
        return maps

    def read_ahead(self, slices: ComingSlices, grid: InputGrid, go_on: Callable[[], bool]) -> int:
        """Answer nothing ahead: its sessions take their slices together."""
        return 0


@dataclass(frozen=True)
class ViewClassifier:
    """Classifies views of slices, with the lesions that were found in them."""

    session: Classifier

    def warm_up(self) -> None:
        """Run once on nothing."""
        self.session.warm_up()

    def classify(
        self, slices: SlicesToClassify, chosen: Sequence[int], mirrored: Collection[int]
    ) -> list[SliceAnswer]:
        """Answer for slices; see `chest.model.chest_model.SliceClassifier.classify`."""
        declared, found = self.session.declared, slices.found
        shown = [
            lung_view(
                slices.patches[index, 0],
                np.minimum(found.right[index] / 255.0 + found.left[index] / 255.0, 1.0),
                found.lesion[index] / np.float32(255.0),
                size=declared.size,
                margin=declared.margin,
            )
            for index in chosen
        ]
        twice = [place for place, index in enumerate(chosen) if index in mirrored]
        answers = classify_views(np.stack([view for view, _ in shown]), self.session, twice)
        return [
            SliceAnswer(
                index, answer.viral, answer.spread, answer.signs, SliceHeat(answer.heat, box)
            )
            for index, (_, box), answer in zip(chosen, shown, answers, strict=True)
        ]


def model_of_schema_2(
    bundle: Bundle, session: Session, classifier: Classifier | None = None
) -> ChestModel:
    """What reading needs of a bundle of schema 2 and of its loaded networks."""
    declared = bundle.classification
    return ChestModel(
        bundle=bundle,
        grid=bundle.grid,
        lung_threshold=bundle.lung.threshold,
        lesion_threshold=bundle.lesion.threshold,
        # One threshold says all: whatever is outlined counts.
        lesion_faint=bundle.lesion.threshold,
        lesion_peak=bundle.lesion.threshold,
        possible_peak=bundle.lesion.threshold,
        case=bundle.case,
        finder=SessionFinder(session),
        classifier=None if classifier is None else ViewClassifier(classifier),
        viral_threshold=0.5 if declared is None else declared.viral_threshold,
        sign_thresholds={} if declared is None else declared.sign_thresholds,
    )


def load_schema_2(bundle: Bundle, *, provider: ExecutionProvider, threads: int) -> ChestModel:
    """Load the networks of a bundle of schema 2.

    Raises
    ------
    BundleRejected
        A network is not the declared one.
    SettingsRefused
        CUDA is demanded and not there.
    """
    session = NetworkSession(bundle, provider=provider, threads=threads)
    classifier = (
        None
        if bundle.classification is None
        else ClassifierSession(bundle, provider=provider, threads=threads)
    )
    return model_of_schema_2(bundle, session, classifier)
