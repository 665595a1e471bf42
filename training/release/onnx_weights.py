"""Reads the weights of an ONNX file into PyTorch, and writes new weights into its graph.

A bundle holds ONNX alone. The exporter keeps the parameters' names, and folds each batch
normalisation into the convolution before it: what comes back is the folded form, with a
normalisation that does nothing yet. It stays frozen, because what it once normalised with is not
in the bundle; a few slices are not enough to estimate it again. Layer normalisations and linear
layers come back as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from radiology.errors import BundleRejected
from training.release.halves import in_half, is_halved, widened

Network = TypeVar("Network", bound=nn.Module)

_WEIGHTED = ("Conv", "Gemm", "LayerNormalization")  # the second input is a weight, the third a bias


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


def _affine(network: nn.Module) -> Iterator[tuple[str, nn.Linear | nn.LayerNorm]]:
    """Each layer that is kept as it is: nothing is folded into it."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.LayerNorm):
            yield name, module


class OnnxWeights:
    """The arrays of an ONNX file by the names of the parameters that they were."""

    def __init__(self, path: Path) -> None:
        stored = onnx.load(path)
        self.halved = is_halved(stored)
        self.model = widened(stored)
        graph = self.model.graph
        self.arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self._users = {
            node.input[1]: node
            for node in graph.node
            if node.op_type in _WEIGHTED and len(node.input) > 1
        }

    def take(self, name: str) -> Tensor:
        """An array as a tensor of its own.

        Raises
        ------
        BundleRejected
            There is none of this name.
        """
        if name not in self.arrays:
            raise BundleRejected("The network has not the layers of today's training", layer=name)
        return torch.from_numpy(self.arrays[name].copy())

    def bias_of(self, weight: str) -> Tensor:
        """What is added after the product with a weight; zeros where the graph adds nothing.

        Raises
        ------
        BundleRejected
            No layer has this weight.
        """
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
        """Write the graph with the arrays that it still uses, as wide as they were."""
        graph = self.model.graph
        used = {name for node in graph.node for name in node.input}
        del graph.initializer[:]
        graph.initializer.extend(
            numpy_helper.from_array(array, name)
            for name, array in self.arrays.items()
            if name in used
        )
        onnx.save(in_half(self.model) if self.halved else self.model, path)


def fill(network: Network, weights: OnnxWeights) -> Network:
    """Load the folded weights into a network of the same layers, in place.

    Raises
    ------
    BundleRejected
        A layer is missing, or has another size.
    """
    with torch.no_grad():
        for name, convolution, norm in _convolutions(network):
            bias = _take_weight(convolution, name, weights)
            if norm is None:
                convolution.bias.copy_(bias)
                continue
            norm.weight.fill_(1.0)
            norm.bias.copy_(bias)
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
        for name, layer in _affine(network):
            layer.bias.copy_(_take_weight(layer, name, weights))
    return network


def _take_weight(
    layer: nn.Conv2d | nn.Linear | nn.LayerNorm, name: str, weights: OnnxWeights
) -> Tensor:
    """Load the weight of a layer; returns its bias."""
    weight = weights.take(f"{name}.weight")
    if weight.shape != layer.weight.shape:
        raise BundleRejected("A layer of the network has another size", layer=name)
    layer.weight.copy_(weight)
    return weights.bias_of(f"{name}.weight")


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


def renew(module: nn.Module, released: Path, path: Path) -> None:
    """Write a network's weights into the graph of the released file that it was filled from.

    Parameters
    ----------
    module : the layers are named as those that were exported
    path : where the new file goes; not compared with the network yet
    """
    weights = OnnxWeights(released)
    for name, convolution, norm in _convolutions(module):
        weights.replace(f"{name}.weight", *_folded(convolution, norm))
    for name, layer in _affine(module):
        weights.replace(f"{name}.weight", layer.weight.detach(), layer.bias.detach())
    weights.save(path)
