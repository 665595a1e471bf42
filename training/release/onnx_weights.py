"""Reads the weights of a released network into PyTorch, and writes new weights into its graph.

A bundle holds ONNX alone. The exporter keeps the parameters' names, and folds each normalisation
into the convolution before it: what comes back is the folded form, with a normalisation that does
nothing yet. It stays frozen, because what it once normalised with is not in the bundle; a few
slices are not enough to estimate it again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from models.schema_2.bundle import Bundle
from radiology.errors import BundleRejected
from training.classification.network import Ensemble, Sight, ViewNet
from training.release.export import ExportDiffers, compare_classification, compare_segmentation
from training.segmentation.network import ChestNet, WithProbabilities

Arrays = Mapping[str, NDArray[np.float32]]
Network = TypeVar("Network", bound=nn.Module)


class _FrozenNorm(nn.BatchNorm2d):  # type: ignore[misc]  # torch is untyped to `make check`
    """A normalisation by fixed figures; its scale and shift are still fitted."""

    def train(self, mode: bool = True) -> _FrozenNorm:
        super().train(False)
        return self


def frozen(network: Network) -> Network:
    """Freeze every normalisation of a network, in place."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = _FrozenNorm
            module.eval()
    return network


def _convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None]]:
    """Each convolution with its name and the normalisation that follows it, if one does."""
    named = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    for (name, module), (_, after) in zip(named, [*named[1:], ("", None)], strict=True):
        if isinstance(module, nn.Conv2d):
            yield name, module, after if isinstance(after, nn.BatchNorm2d) else None


def _linear(network: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            yield name, module


class _Weights:
    """The arrays of an ONNX file by the names of the parameters that they were."""

    def __init__(self, path: Path) -> None:
        self.model = onnx.load(path)
        graph = self.model.graph
        self.arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self._users = {
            node.input[1]: node
            for node in graph.node
            if node.op_type in ("Conv", "Gemm") and len(node.input) > 1
        }

    def take(self, name: str) -> Tensor:
        if name not in self.arrays:
            raise BundleRejected("The network has not the layers of today's training", layer=name)
        return torch.from_numpy(self.arrays[name].copy())

    def bias_of(self, weight: str) -> Tensor:
        """What is added after the product with a weight; zeros where the graph adds nothing."""
        node = self._users.get(weight)
        if node is None:
            raise BundleRejected("The network's layers are joined otherwise", layer=weight)
        if len(node.input) > 2 and node.input[2]:
            return self.take(node.input[2])
        return torch.zeros(self.arrays[weight].shape[0])

    def replace(self, weight: str, value: Tensor, bias: Tensor) -> None:
        """Put new values in the place of a weight and of its bias."""
        node = self._users[weight]
        # A name of its own: the exporter lets layers share a bias while all of theirs are zero.
        name = f"{weight}_bias"
        self.arrays[weight] = np.ascontiguousarray(value.numpy())
        self.arrays[name] = np.ascontiguousarray(bias.numpy())
        del node.input[2:]
        node.input.append(name)

    def save(self, path: Path) -> None:
        graph = self.model.graph
        used = {name for node in graph.node for name in node.input}
        del graph.initializer[:]
        graph.initializer.extend(
            numpy_helper.from_array(array, name)
            for name, array in self.arrays.items()
            if name in used
        )
        onnx.save(self.model, path)


def _fill(network: Network, weights: _Weights) -> Network:
    """Load the folded weights into a network of the same layers."""
    with torch.no_grad():
        for name, convolution, norm in _convolutions(network):
            weight = weights.take(f"{name}.weight")
            if weight.shape != convolution.weight.shape:
                raise BundleRejected("A layer of the network has another size", layer=name)
            convolution.weight.copy_(weight)
            bias = weights.bias_of(f"{name}.weight")
            if norm is None:
                convolution.bias.copy_(bias)
                continue
            norm.weight.fill_(1.0)
            norm.bias.copy_(bias)
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
        for name, linear in _linear(network):
            linear.weight.copy_(weights.take(f"{name}.weight"))
            linear.bias.copy_(weights.bias_of(f"{name}.weight"))
    return network


def _empty_segmentation(weights: _Weights) -> ChestNet:
    """A network with as many channels as the weights have."""
    widths: list[int] = []
    while (name := f"network.encoder.{len(widths)}.first.0.weight") in weights.arrays:
        widths.append(int(weights.arrays[name].shape[0]))
    stem, neck = (weights.take(f"network.{name}.weight").shape[0] for name in ("stem.0", "neck"))
    return ChestNet(tuple(widths), int(stem), int(neck))


def _empty_member(weights: _Weights, number: int) -> ViewNet:
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


def _temperature(weights: _Weights) -> float:
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
    weights = _Weights(path)
    network = _fill(WithProbabilities(_empty_segmentation(weights)), weights).network.eval()
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
    weights = _Weights(path)
    numbers = {int(found[1]) for found in map(re.compile(r"members\.(\d+)\.").match, weights.arrays)
               if found is not None}  # fmt: skip
    ensemble = Ensemble(
        [_empty_member(weights, number) for number in sorted(numbers)],
        _temperature(weights),
        _or(weights.arrays, "sign_scale", 1.0),
        _or(weights.arrays, "sign_shift", 0.0),
    )
    _fill(ensemble, weights).eval()
    try:
        compare_classification(ensemble, path)
    except ExportDiffers as error:
        raise BundleRejected(f"The classifier cannot be read back: {error}") from error
    return frozen(ensemble)


def _or(arrays: Arrays, name: str, value: float) -> Tensor:
    """An array, or the neutral one where the exporter saw that it changes nothing."""
    if name in arrays:
        return torch.from_numpy(arrays[name].copy())
    return torch.full((5,), value)


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    weight = convolution.weight.detach().double()
    bias = torch.zeros(weight.shape[0], dtype=torch.float64)
    if convolution.bias is not None:
        bias = convolution.bias.detach().double()
    if norm is not None:
        scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale.view(-1, 1, 1, 1)
        bias = norm.bias.detach().double() + (bias - norm.running_mean.double()) * scale
    return weight.float().contiguous(), bias.float()


def _renew(module: nn.Module, released: Path, path: Path) -> None:
    weights = _Weights(released)
    for name, convolution, norm in _convolutions(module):
        weights.replace(f"{name}.weight", *_folded(convolution, norm))
    for name, linear in _linear(module):
        weights.replace(f"{name}.weight", linear.weight.detach(), linear.bias.detach())
    weights.save(path)


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
    _renew(WithProbabilities(network), released, path)
    return compare_segmentation(network, path).largest_difference


def renew_classification(ensemble: Ensemble, released: Path, path: Path) -> float:
    """The same for the classifier."""
    _renew(ensemble, released, path)
    return compare_classification(ensemble, path).largest_difference


def with_members(ensemble: Ensemble, members: list[ViewNet]) -> Ensemble:
    """A copy of a classifier with other members and the same calibration."""
    changed = copy.deepcopy(ensemble)
    changed.members = nn.ModuleList(members)
    changed.eval()
    return changed
