"""The network of a bundle of schema 3: it sees a slice between two others and answers for all.

The declaration says how the network is fed and what it answers; `[reader.parameters]` says how a
chest is judged by it. Outputs are known by their names: the masks "lungs" and "lesions", and the
slice scores "viral" and those of the signs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import (
    Arrays,
    ChestModel,
    FoundInSlices,
    OnProgress,
    SliceAnswer,
)
from chest.model.lobe_network import LobeNetwork
from chest.model.probability_maps import ProbabilityMaps
from models.declared.inputs import Fit, InputKind, NetworkInput
from models.declared.outputs.kinds import MaskOutput, ScoreOutput
from models.declared.section import DeclarationTable
from models.declared_bundle import DeclaredBundle
from models.output.probability import probabilities
from models.output.scores import column_of, slice_scores
from models.run.declared_network import load_networks
from models.run.run_network import RunnableNetwork
from models.schema_2.case import read_case
from models.schema_2.networks import LESION_CLASSES, LUNG_CLASSES, InputGrid
from models.schema_2.sign import Sign
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected

LUNGS: Final = "lungs"
LESIONS: Final = "lesions"
VIRAL: Final = "viral"
SCORES: Final = (VIRAL, *(str(sign) for sign in Sign))

_NEIGHBOURS = 1


@dataclass(frozen=True, slots=True)
class _Steps:
    """How a stack is gone through.

    Attributes
    ----------
    neighbour_mm : how far the slices lie that are shown below and above
    plane_mm : slices nearer than this are not all looked at; those between are interpolated
    """

    neighbour_mm: float
    plane_mm: float

    def planes(self, count: int, slice_mm: float | None) -> NDArray[np.intp]:
        """Which slices are looked at; the first and the last always are."""
        every = 1 if slice_mm is None else max(int(self.plane_mm / slice_mm), 1)
        return np.unique(np.append(np.arange(0, count, every), count - 1))

    def apart(self, slice_mm: float | None) -> int:
        """How many slices away a neighbour is; 0 where slices are no neighbours."""
        return 0 if slice_mm is None else max(round(self.neighbour_mm / slice_mm), 1)


@dataclass(frozen=True)
class SlabFinder:
    """Finds and classifies with one network that sees a slice and two neighbours."""

    bundle: DeclaredBundle
    network: RunnableNetwork
    steps: _Steps
    provider: str

    def warm_up(self) -> None:
        """Run once on nothing."""
        fed = next(iter(self.bundle.inputs.values()))
        self.network.run(np.zeros((self.network.at_once, *fed.shape), dtype=np.float32))

    def find(
        self, patches: Arrays, slice_mm: float | None, on_progress: OnProgress | None = None
    ) -> FoundInSlices:
        """Answer for each slice; see `chest.model.chest_model.Finder.find`."""
        count, size = patches.shape[0], patches.shape[-1]
        planes = self.steps.planes(count, slice_mm)
        apart = self.steps.apart(slice_mm)
        maps = ProbabilityMaps.empty(planes.size, size)
        scores = np.zeros((planes.size, len(SCORES)))
        for first in range(0, planes.size, self.network.at_once):
            at = planes[first : first + self.network.at_once]
            slabs = patches[np.stack([at - apart, at, at + apart], axis=1).clip(0, count - 1), 0]
            answers = self.network.run(slabs)
            maps.store(first, self._classes(answers, LUNGS), self._classes(answers, LESIONS))
            scores[first : first + at.size] = self._scores(answers)
            if on_progress is not None:
                on_progress(int(at[-1]) + 1, count)
        return FoundInSlices(*_between(maps, scores, planes, count))

    def _classes(self, answers: Mapping[str, Arrays], name: str) -> Arrays:
        answer = self.bundle.outputs.masks[name].answer
        return probabilities(answers[answer.tensor], answer.activation, axis=1)

    def _scores(self, answers: Mapping[str, Arrays]) -> NDArray[np.float64]:
        declared = [self.bundle.outputs.slice_scores[name] for name in SCORES]
        return np.stack([_score(answers, one) for one in declared], axis=1)

    def classify(
        self,
        patches: Arrays,
        found: FoundInSlices,
        chosen: Sequence[int],
        mirrored: Collection[int],
    ) -> list[SliceAnswer]:
        """Answer for slices; see `chest.model.chest_model.SliceClassifier.classify`."""
        assert found.scores is not None
        again = sorted(mirrored)
        back = {}
        if again:
            turned = np.ascontiguousarray(patches[again, :, :, ::-1])
            of_mirrored = self.find(turned, None).scores
            assert of_mirrored is not None
            back = dict(zip(again, of_mirrored, strict=True))
        answers = []
        for index in chosen:
            rows = [found.scores[index], *([back[index]] if index in back else [])]
            mean = np.mean(rows, axis=0)
            signs = {sign: float(mean[1 + place]) for place, sign in enumerate(Sign)}
            spread = float(np.std([row[0] for row in rows]))
            answers.append(SliceAnswer(index, float(mean[0]), spread, signs, None))
        return answers


def _score(answers: Mapping[str, Arrays], declared: ScoreOutput) -> NDArray[np.float64]:
    return slice_scores(column_of(answers[declared.answer.tensor], declared), declared)


def _between(
    maps: ProbabilityMaps, scores: NDArray[np.float64], planes: NDArray[np.intp], count: int
) -> tuple[ProbabilityMaps, NDArray[np.float64]]:
    """Answers for all slices, linear between those that were looked at."""
    if planes.size == count:
        return maps, scores
    above = np.searchsorted(planes, np.arange(count)).clip(1, planes.size - 1)
    below = above - 1
    part = (np.arange(count) - planes[below]) / (planes[above] - planes[below])
    spread = ProbabilityMaps(
        *(
            _mixed(one, below, above, part)
            for one in (maps.right, maps.left, maps.lesion, maps.dense)
        )
    )
    return spread, scores[below] + (scores[above] - scores[below]) * part[:, None]


def _mixed(
    one: NDArray[np.uint8],
    below: NDArray[np.intp],
    above: NDArray[np.intp],
    part: NDArray[np.float64],
) -> NDArray[np.uint8]:
    weight = np.rint(part * 256.0).astype(np.uint16)[:, None, None]
    mixed = np.empty((below.size, *one.shape[1:]), dtype=np.uint8)
    for first in range(0, below.size, 16):  # not all at once: 16-bit copies of 300 slices
        at = slice(first, first + 16)
        low, high = one[below[at]].astype(np.uint16), one[above[at]].astype(np.uint16)
        mixed[at] = (low * (256 - weight[at]) + high * weight[at] + 128) >> 8
    return mixed


def load_schema_3(
    bundle: DeclaredBundle, *, provider: ExecutionProvider, threads: int
) -> ChestModel:
    """Load the network of a bundle of schema 3.

    Raises
    ------
    BundleRejected
        The network is not the declared one, or the declaration is not that of a chest.
    SettingsRefused
        CUDA is demanded and not there.
    """
    assert bundle.reader is not None
    fed = _only_input(bundle)
    _check_outputs(bundle)
    parameters = DeclarationTable(dict(bundle.reader.parameters), {}, ("reader", "parameters"))
    steps = _Steps(
        neighbour_mm=parameters.number("neighbour_mm", 0.1, 20.0),
        plane_mm=parameters.number("plane_mm", 0.1, 20.0),
    )
    thresholds = parameters.numbers("sign_thresholds", 0.0, 1.0, count=len(Sign))
    viral_threshold = parameters.number("viral_threshold", 0.0, 1.0)
    lesion_threshold = _threshold(bundle.outputs.masks[LESIONS])
    # Where none is declared, all that is outlined counts, and nothing is possible.
    lesion_peak = (
        parameters.number("lesion_peak", lesion_threshold, 1.0)
        if parameters.has("lesion_peak")
        else lesion_threshold
    )
    possible_peak = (
        parameters.number("possible_peak", lesion_threshold, lesion_peak)
        if parameters.has("possible_peak")
        else lesion_peak
    )
    by_shape = _lobes_by_shape(bundle, parameters, threads)
    case = read_case(parameters.section("case"), classified=True)
    parameters.close()
    networks = load_networks(bundle, provider=provider, threads=threads)
    network = networks[fed.network]
    finder = SlabFinder(bundle, network, steps, network.provider)
    window = fed.channels[0]
    return ChestModel(
        bundle=bundle,
        grid=InputGrid(fed.tensor, fed.size[0], window.low_hu, window.high_hu),
        lung_threshold=_threshold(bundle.outputs.masks[LUNGS]),
        lesion_threshold=lesion_threshold,
        lesion_peak=lesion_peak,
        possible_peak=possible_peak,
        case=case,
        finder=finder,
        classifier=finder,
        viral_threshold=viral_threshold,
        sign_thresholds=dict(zip(Sign, thresholds, strict=True)),
        lobes_by_shape=by_shape,
    )


def _lobes_by_shape(
    bundle: DeclaredBundle, parameters: DeclarationTable, threads: int
) -> LobeNetwork | None:
    """The network of lobes, where the bundle has one: a file of it that is named."""
    if not parameters.has("lobes_by_shape"):
        return None
    name = parameters.text("lobes_by_shape")
    if name not in bundle.files:
        raise parameters.problem(
            "lobes_by_shape", f'"{name}" is not listed in [files]', "Name a file of the bundle."
        )
    return LobeNetwork(bundle.folder / name, threads=threads)


def _only_input(bundle: DeclaredBundle) -> NetworkInput:
    fed = next(iter(bundle.inputs.values()))
    window = fed.channels[0]
    expected = (
        len(bundle.inputs) == 1
        and fed.kind is InputKind.SLICES_2_5D
        and fed.neighbours == _NEIGHBOURS
        and fed.orientation == "SPL"
        and fed.fit is Fit.WHOLE_SLICE
        and fed.size[0] == fed.size[1]
        and len(fed.channels) == 1
        and (window.mean_hu, window.deviation_hu) == (window.low_hu, window.high_hu - window.low_hu)
    )
    if not expected:
        raise BundleRejected(
            "A chest is read by one network that sees whole axial slices of equal sides in one "
            "window, with one neighbour on each side",
            name=bundle.name,
        )
    return fed


def _check_outputs(bundle: DeclaredBundle) -> None:
    outputs = bundle.outputs
    for name, classes in ((LUNGS, LUNG_CLASSES), (LESIONS, LESION_CLASSES)):
        mask = outputs.masks.get(name)
        if mask is None or tuple(one.name for one in mask.classes) != classes:
            raise BundleRejected(
                f'A chest needs the mask "{name}" with the classes {", ".join(classes)}',
                name=bundle.name,
            )
    for name in SCORES:
        if name not in outputs.slice_scores:
            raise BundleRejected(f'A chest needs the slice-score "{name}"', name=bundle.name)


def _threshold(mask: MaskOutput) -> float:
    """One for all classes but the first; a half where the most probable class wins."""
    stated = {one.threshold for one in mask.classes[1:] if one.threshold is not None}
    return stated.pop() if len(stated) == 1 else 0.5
