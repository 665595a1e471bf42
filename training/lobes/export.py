"""Writes the lobe network as ONNX, and proves that it answers as PyTorch does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from chest.model.lobe_network import INPUT, OUTPUT, LobeNetwork
from training.lobes.maps import GRID, Labels, sides_of, to_grid
from training.lobes.network import LobeNet
from training.release.export import ExportDiffers, without_traces
from training.release.halves import HALF_TOLERANCE, in_half

FILE = "lobes.onnx"


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


def write_lobes(network: LobeNet, folder: Path, trial: Labels) -> float:
    """Export and compare; returns the largest difference.

    Parameters
    ----------
    trial : a map of lobes, for the comparison

    Raises
    ------
    ExportDiffers
        Some probability differs by more than 0.03.
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
    onnx.save(in_half(without_traces(program.model_proto)), folder / FILE)
    sides = sides_of(to_grid(trial))
    masks = np.stack([sides == 1, sides == 2]).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(masks)[None])[0].numpy()
    difference = float(np.abs(expected - LobeNetwork(folder / FILE).likely(masks)).max())
    if not difference <= HALF_TOLERANCE:
        raise ExportDiffers(f"largest difference {difference:.2e}, allowed {HALF_TOLERANCE:.0e}")
    return difference
