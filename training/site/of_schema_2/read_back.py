"""Reads the two networks of a bundle of schema 2 back from their files, and renews these files."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from models.schema_2.bundle import Bundle
from radiology.errors import BundleRejected
from training.classification.network import Ensemble, Sight, ViewNet
from training.release.export import ExportDiffers, compare_classification, compare_segmentation
from training.release.onnx_weights import OnnxWeights, fill, frozen, renew
from training.segmentation.network import ChestNet, WithProbabilities


def _empty_segmentation(weights: OnnxWeights) -> ChestNet:
    """A network with as many channels as the weights have."""
    widths: list[int] = []
    while (name := f"network.encoder.{len(widths)}.first.0.weight") in weights.arrays:
        widths.append(int(weights.arrays[name].shape[0]))
    stem, neck = (weights.take(f"network.{name}.weight").shape[0] for name in ("stem.0", "neck"))
    return ChestNet(tuple(widths), int(stem), int(neck))


def _empty_member(weights: OnnxWeights, number: int) -> ViewNet:
    def channels(layer: str, axis: int = 0) -> int:
        return int(weights.take(f"members.{number}.{layer}.weight").shape[axis])

    sights = {len(sight.value): sight for sight in Sight}
    sight = sights.get(channels("stem.0", axis=1))
    if sight is None:
        raise BundleRejected("A member of the classifier looks at something else", member=number)
    first, second, third, fourth = (
        channels(layer) for layer in ("stem.0", "quarter.0.first", "eighth.0.first",
                                      "sixteenth.first")
    )  # fmt: skip
    return ViewNet(sight, (first, second, third, fourth), channels("join"))


def _temperature(weights: OnnxWeights) -> float:
    """What the logits are divided by before the sigmoid; one for all members."""
    graph = weights.model.graph
    before_sigmoid = {node.input[0] for node in graph.node if node.op_type == "Sigmoid"}
    for node in graph.node:
        if node.op_type == "Div" and node.output[0] in before_sigmoid:
            divisor = weights.arrays.get(node.input[1])
            if divisor is not None and divisor.size == 1:
                return float(divisor.reshape(-1)[0])
    return 1.0  # dividing by one is left out of the graph


def read_segmentation(bundle: Bundle) -> ChestNet:
    """The segmentation network of a bundle, ready to be trained on.

    Raises
    ------
    BundleRejected
        It has other layers, or does not answer as the released file does.
    """
    path = bundle.networks.segmentation.float32
    weights = OnnxWeights(path)
    network = fill(WithProbabilities(_empty_segmentation(weights)), weights).network.eval()
    try:
        compare_segmentation(network, path)
    except ExportDiffers as error:
        raise BundleRejected(f"The segmentation network cannot be read back: {error}") from error
    recovered: ChestNet = frozen(network)
    return recovered


def read_classification(bundle: Bundle) -> Ensemble:
    """The classifier of a bundle, with its calibration.

    Raises
    ------
    BundleRejected
        As for `read_segmentation`, or there is none.
    """
    if bundle.networks.classification is None:
        raise BundleRejected("The bundle has no classifier", name=bundle.name)
    path = bundle.networks.classification.float32
    weights = OnnxWeights(path)
    numbers = {int(found[1]) for found in map(re.compile(r"members\.(\d+)\.").match, weights.arrays)
               if found is not None}  # fmt: skip
    ensemble = Ensemble(
        [_empty_member(weights, number) for number in sorted(numbers)],
        _temperature(weights),
        _or(weights, "sign_scale", 1.0),
        _or(weights, "sign_shift", 0.0),
    )
    fill(ensemble, weights).eval()
    try:
        compare_classification(ensemble, path)
    except ExportDiffers as error:
        raise BundleRejected(f"The classifier cannot be read back: {error}") from error
    return frozen(ensemble)


def _or(weights: OnnxWeights, name: str, value: float) -> Tensor:
    """An array, or the neutral one where the exporter saw that it changes nothing."""
    return weights.take(name) if name in weights.arrays else torch.full((5,), value)


def renew_segmentation(network: ChestNet, released: Path, path: Path) -> float:
    """Write a network in the graph of the released one that it was trained from.

    Returns
    -------
    The largest difference between ONNX Runtime and PyTorch.

    Raises
    ------
    ExportDiffers
        It is too large.
    """
    renew(WithProbabilities(network), released, path)
    return compare_segmentation(network, path).largest_difference


def renew_classification(ensemble: Ensemble, released: Path, path: Path) -> float:
    """The same for the classifier."""
    renew(ensemble, released, path)
    return compare_classification(ensemble, path).largest_difference


def with_members(ensemble: Ensemble, members: list[ViewNet]) -> Ensemble:
    """A copy of a classifier with other members and the same calibration."""
    changed = copy.deepcopy(ensemble)
    changed.members = nn.ModuleList(members)
    changed.eval()
    return changed
