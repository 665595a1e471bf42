"""The networks of a bundle of schema 3 that is read as a chest.

The declaration says how they are fed and what they answer; `[reader.parameters]` says how a chest
is judged by them. Outputs are known by their names: the masks "lungs" and "lesions" of a network
that sees a slice between two others, and the slice scores "viral" and those of the signs of one
that sees a slice alone; the heat map "heat", where that network gives one.
"""

from __future__ import annotations

from typing import Final

from chest.model.answers_ahead import AnswersAhead
from chest.model.chest_model import ChestModel
from chest.model.lobe_network import LobeNetwork
from chest.model.slab_finder import LESIONS, LUNGS, SlabFinder, SlabSteps
from chest.model.slice_scorer import SCORES, SliceScorer
from models.declared.inputs import Fit, InputKind, NetworkInput
from models.declared.outputs.kinds import MaskOutput
from models.declared.section import DeclarationTable
from models.declared_bundle import DeclaredBundle
from models.run.declared_network import load_networks
from models.schema_2.case import read_case
from models.schema_2.networks import LESION_CLASSES, LUNG_CLASSES, InputGrid
from models.schema_2.sign import Sign
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected

_NEIGHBOURS: Final = 1


def load_schema_3(
    bundle: DeclaredBundle, *, provider: ExecutionProvider, threads: int
) -> ChestModel:
    """Load the networks of a bundle of schema 3.

    Raises
    ------
    BundleRejected
        A network is not the declared one, or the declaration is not that of a chest.
    SettingsRefused
        CUDA is demanded and not there.
    """
    assert bundle.reader is not None
    _check_outputs(bundle)
    fed, scored = _inputs(bundle)
    parameters = DeclarationTable(dict(bundle.reader.parameters), {}, ("reader", "parameters"))
    steps = SlabSteps(
        neighbour_mm=parameters.number("neighbour_mm", 0.1, 20.0),
        plane_mm=parameters.number("plane_mm", 0.1, 20.0),
    )
    thresholds = parameters.numbers("sign_thresholds", 0.0, 1.0, count=len(Sign))
    viral_threshold = parameters.number("viral_threshold", 0.0, 1.0)
    lesion_threshold = _threshold(bundle.outputs.masks[LESIONS])
    # Where none is declared, density outlines nothing, all that is outlined counts, and nothing is
    # possible.
    lesion_faint = (
        parameters.number("lesion_faint", 0.01, lesion_threshold)
        if parameters.has("lesion_faint")
        else lesion_threshold
    )
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
    return ChestModel(
        bundle=bundle,
        grid=_grid(fed),
        lung_threshold=_threshold(bundle.outputs.masks[LUNGS]),
        lesion_threshold=lesion_threshold,
        lesion_faint=lesion_faint,
        lesion_peak=lesion_peak,
        possible_peak=possible_peak,
        case=case,
        finder=SlabFinder(
            bundle,
            network,
            steps,
            network.provider,
            ahead=AnswersAhead() if network.answers_each_alone else None,
        ),
        classifier=SliceScorer(bundle, networks[scored.network], _grid(scored)),
        viral_threshold=viral_threshold,
        sign_thresholds=dict(zip(Sign, thresholds, strict=True)),
        lobes_by_shape=by_shape,
    )


def _grid(fed: NetworkInput) -> InputGrid:
    window = fed.channels[0]
    return InputGrid(fed.tensor, fed.size[0], window.low_hu, window.high_hu)


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


def _inputs(bundle: DeclaredBundle) -> tuple[NetworkInput, NetworkInput]:
    """What the network of the masks is fed, and that of the scores."""
    outputs = bundle.outputs
    finds = {outputs.masks[name].answer.network for name in (LUNGS, LESIONS)}
    scores = {outputs.slice_scores[name].answer.network for name in SCORES}
    if (len(finds), len(scores), len(bundle.inputs)) != (1, 1, 2) or finds == scores:
        raise BundleRejected(
            "A chest is read by two networks: one for lungs and lesions, one for the slice-scores",
            name=bundle.name,
        )
    slab, alone = bundle.inputs[finds.pop()], bundle.inputs[scores.pop()]
    _check_slab(slab, bundle.name)
    _check_alone(alone, slab, bundle.name)
    return slab, alone


def _check_slab(fed: NetworkInput, name: str) -> None:
    window = fed.channels[0]
    expected = (
        fed.kind is InputKind.SLICES_2_5D
        and fed.neighbours == _NEIGHBOURS
        and _whole_axial(fed)
        and len(fed.channels) == 1
        and (window.mean_hu, window.deviation_hu) == (window.low_hu, window.high_hu - window.low_hu)
    )
    if not expected:
        raise BundleRejected(
            "Lungs and lesions are found by a network that sees whole axial slices of equal sides "
            "in one window, with one neighbour on each side",
            name=name,
        )


def _check_alone(fed: NetworkInput, slab: NetworkInput, name: str) -> None:
    expected = fed.kind is InputKind.SLICES and _whole_axial(fed) and fed.channels == slab.channels
    if not expected:
        raise BundleRejected(
            "Slices are scored by a network that sees whole axial slices alone, in the window of "
            "the other network",
            name=name,
        )


def _whole_axial(fed: NetworkInput) -> bool:
    return fed.orientation == "SPL" and fed.fit is Fit.WHOLE_SLICE and fed.size[0] == fed.size[1]


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
