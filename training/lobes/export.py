"""Writes the lobe network as ONNX, and proves that it answers as PyTorch does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from chest.model.lobe_network import INPUT, OUTPUT, LobeNetwork
from training.lobes.maps import GRID, Labels, sides_of, to_grid
from training.lobes.network import LobeNet
from training.release.export import ExportDiffers, without_traces

FILE = "lobes.onnx"
_TOLERANCE = 1e-2  # of a probability: weights are rounded to 11 bits
_WORTH_IT = 256  # numbers of a tensor


class LobeProbabilities(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """The network with one mask for each lung in, and probabilities out."""

    def __init__(self, network: LobeNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, lungs: Tensor) -> Tensor:
        """Return (1, 5, slices, rows, columns).

        Parameters
        ----------
        lungs : shape (1, 2, slices, rows, columns): 1 in the left lung, then in the right one
        """
        sides = (lungs[:, 0] + 2.0 * lungs[:, 1]).long()
        return torch.softmax(self.network(sides), 1)


def _in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store weights in 16 bits and use them in 32: half of the file, and the same answer."""
    graph = model.graph
    for stored in list(graph.initializer):
        if stored.data_type != onnx.TensorProto.FLOAT or np.prod(stored.dims) < _WORTH_IT:
            continue
        half = numpy_helper.to_array(stored).astype(np.float16)
        name = f"{stored.name}_half"
        graph.initializer.append(numpy_helper.from_array(half, name))
        graph.initializer.remove(stored)
        graph.node.insert(
            0, helper.make_node("Cast", [name], [stored.name], to=onnx.TensorProto.FLOAT)
        )
    return model


def write_lobes(network: LobeNet, folder: Path, trial: Labels) -> float:
    """Export and compare; returns the largest difference.

    Parameters
    ----------
    trial : a map of lobes, for the comparison

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 0.01.
    """
    plain = LobeNet()
    plain.load_state_dict(network.state_dict())
    module = LobeProbabilities(plain.eval()).eval()
    program = torch.onnx.export(
        module,
        (torch.zeros(1, 2, *GRID),),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    onnx.save(_in_half(without_traces(program.model_proto)), folder / FILE)
    sides = sides_of(to_grid(trial))
    masks = np.stack([sides == 1, sides == 2]).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(masks)[None])[0].numpy()
    difference = float(np.abs(expected - LobeNetwork(folder / FILE).likely(masks)).max())
    if not difference <= _TOLERANCE:
        raise ExportDiffers(f"largest difference {difference:.2e}, allowed {_TOLERANCE:.0e}")
    return difference
