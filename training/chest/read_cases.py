"""Reads studies up to what the rules of a case see, each by a network that did not see it.

The scans with lesions drawn are pictures of diseased slices alone, of unknown thickness and without
the rest of the chest: shares are those of these slices, and larger than those of the whole scan.
The quality gates, which want whole chests, are left out for all studies alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.case_level import answer_case
from chest.effusion import find_effusion, without_effusion
from chest.lungs.segment import segment
from chest.model.chest_model import ChestModel, OnProgress, SlicesToClassify
from chest.model.choose_slices import classify_study
from chest.model.probability_maps import ProbabilityMaps
from chest.reader import Reader
from chest.values.case_answer import PneumoniaType
from models.catalogue import read_any_bundle
from models.connected import parts
from models.readers.study_reader import ComingSlices
from models.schema_2.case import CaseRule
from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import fit_of, to_patches
from phantom.grid import phantom_grid
from phantom.lesions import EXTENSIVE_LESIONS, TYPICAL_LESIONS
from phantom.synthesis import make_phantom
from radiology.image.volume import Volume
from training.chest.predict import Predicted
from training.chest.release.volumes import read_by, volumes_at_hand
from training.chest.stages import FoldAnswers
from training.data.slices import SliceSet

# Nobody knows how far these slices lie apart, nor how wide they are.
_DRAWN_MM: Final = (3.0, 1.5, 1.5)
_WITH_PNEUMONIA: Final = "covid-P001"
_PHANTOMS: Final = (
    ("phantom, healthy", 2, ()),
    ("phantom, typical", 1, TYPICAL_LESIONS),
    ("phantom, grave", 3, EXTENSIVE_LESIONS),
)
_PHANTOM_GRID: Final = ((75, 256, 256), (4.0, 1.4, 1.4))

OnStudy = Callable[[str], None]


@dataclass(frozen=True)
class StudyValues:
    """What the rules see in a study.

    Attributes
    ----------
    diseased : whether it has pneumonia
    real : False for a phantom, which counts in no figure
    values : of each rule, in its unit
    largest_percent : the largest lesion, as a share of both lungs
    viral : type by the network of scores; None where the bundle's own rule suspects nothing
    """

    name: str
    diseased: bool
    real: bool
    values: Mapping[CaseRule, float]
    largest_percent: float
    viral: PneumoniaType | None


@dataclass(frozen=True)
class _Known:
    """Answers that were given before, in place of a network."""

    maps: ProbabilityMaps
    provider: str = ""

    def warm_up(self) -> None:
        """There is nothing to load."""

    def find(
        self,
        patches: NDArray[np.float32],
        slice_mm: float | None,
        on_progress: OnProgress | None = None,
    ) -> ProbabilityMaps:
        """What was answered, whatever is asked."""
        return self.maps

    def read_ahead(self, slices: ComingSlices, grid: InputGrid, go_on: Callable[[], bool]) -> int:
        """Answer nothing ahead: all is answered already."""
        return 0


def read_case(name: str, volume: Volume, model: ChestModel, *, diseased: bool) -> StudyValues:
    """Read a study as the worker does, up to what its rules see; the gates are not asked.

    Parameters
    ----------
    volume : in any orientation
    """
    canonical, _ = volume.canonical()
    fit = fit_of(canonical, model.grid)
    patches = to_patches(canonical, fit, model.grid)
    found = model.finder.find(patches, canonical.spacing_mm[0])
    regions = segment(found, patches, canonical, fit, model).regions
    fluid = find_effusion(canonical, regions)
    if fluid is not None:
        regions = without_effusion(regions, fluid)
    shown = SlicesToClassify(canonical.hounsfield, canonical.spacing_mm[1:], patches, found)
    classifier = model.classifier
    answers = [] if classifier is None else classify_study(shown, regions, classifier)
    case = answer_case(regions, answers, model, reserved=False)
    _, sizes = parts(regions.lesions > 0, 26)
    lung = int(np.count_nonzero(regions.lungs))
    return StudyValues(
        name,
        diseased,
        real=not name.startswith("phantom"),
        values={one.rule: one.value for one in case.rules},
        largest_percent=100.0 * int(sizes.max(initial=0)) / max(lung, 1),
        viral=None if case.viral is None else case.viral.type,
    )


def read_cases(
    bundle: Path, data: Path, answered: Sequence[FoldAnswers], on_study: OnStudy
) -> list[StudyValues]:
    """Read the scans with lesions drawn, the volumes at hand, and phantoms.

    Parameters
    ----------
    bundle : its own folder; what its networks saw is read by that of the fold which left it out
    data : the folder with training/ and ct/
    on_study : called with the name of each before it is read
    """
    shipped = Reader.of(read_any_bundle(bundle), threads=1)
    cases = []
    for one in answered:
        on_study(", ".join(sorted(one.fold.covid_seg20)))
        cases += drawn_cases(one.scans, one.of_scans, shipped.model)
    for name, trained_on, volume, _ in volumes_at_hand(data):
        apart = [
            one.network for one in answered if name in one.fold.lctsc | one.fold.without_pneumonia
        ]
        if trained_on and not apart:
            continue  # that fold was not asked for
        on_study(name)
        model = (read_by(shipped, apart[0]) if apart else shipped).model
        cases.append(read_case(name, volume, model, diseased=name == _WITH_PNEUMONIA))
    for name, seed, lesions in _PHANTOMS:
        on_study(name)
        phantom = make_phantom(seed=seed, grid=phantom_grid(*_PHANTOM_GRID), lesions=lesions)
        cases.append(
            read_case(name, phantom.volume, shipped.model, diseased=bool(phantom.lesions.any()))
        )
    return cases


def drawn_cases(slices: SliceSet, predicted: Predicted, model: ChestModel) -> list[StudyValues]:
    """Each scan with lesions drawn as a study, by what a network answered before.

    Parameters
    ----------
    slices : of every scan the lowest first
    model : decides by the answers; its own finder is not asked
    """
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = _DRAWN_MM
    affine[3, 3] = 1.0
    cases = []
    for scan in dict.fromkeys(slices.sources):
        at = np.flatnonzero([source == scan for source in slices.sources])
        maps = ProbabilityMaps.empty(at.size, slices.hu.shape[-1])
        lung, lesion = (one[at].astype(np.float32) for one in (predicted.lung, predicted.lesion))
        maps.store(0, lung, lesion)
        volume = Volume(slices.hu[at].astype(np.float32), affine)
        known = replace(model, finder=_Known(maps))
        cases.append(read_case(scan, volume, known, diseased=True))
    return cases
