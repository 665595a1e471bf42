"""The lobe network: what it may answer, how maps are varied, and how it is scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from tests.unit.training.lobe_maps import lobe_map
from training.lobes.maps import GRID, LEFT, LOBES, RIGHT, LobeMap, read_lobe_maps, sides_of, to_grid
from training.lobes.network import LobeNet
from training.lobes.objective import LobeObjective, sides, vary
from training.lobes.score import find_lobes, score_lobes


def test_a_map_fills_the_grid_and_keeps_its_lobes() -> None:
    grid = to_grid(lobe_map())
    assert grid.shape == GRID
    assert set(np.unique(grid)) == {0, *LEFT, *RIGHT}
    assert (sides_of(grid) == 1).sum() == pytest.approx((sides_of(grid) == 2).sum(), rel=0.05)


def test_lobes_of_the_other_lung_are_impossible() -> None:
    """However wrong the network is, the side of a voxel is known."""
    torch.manual_seed(1)
    grid = torch.from_numpy(sides_of(to_grid(lobe_map())).astype(np.int64))[None]
    with torch.inference_mode():
        found = LobeNet().eval()(grid).argmax(1) + 1
    assert set(found[grid == 1].tolist()) <= set(LEFT)
    assert set(found[grid == 2].tolist()) <= set(RIGHT)


def test_a_varied_map_is_another_one_with_the_same_lobes() -> None:
    labels = torch.from_numpy(np.stack([to_grid(lobe_map())] * 2).astype(np.int64))
    varied = vary(labels, torch.Generator().manual_seed(2))
    assert torch.equal(varied, vary(labels, torch.Generator().manual_seed(2)))
    assert set(varied.unique().tolist()) == set(labels.unique().tolist())
    assert not torch.equal(varied[0], varied[1])
    assert 0.5 < float((sides(varied) > 0).sum()) / float((sides(labels) > 0).sum()) < 1.5


def test_a_step_lowers_what_is_minimised() -> None:
    """The loss of the same batch, before a step and after it."""
    torch.manual_seed(1)
    network = LobeNet()
    objective = LobeObjective([to_grid(lobe_map())], count=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(2):
        loss = objective(network, 5).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


class _Halves(LobeNet):
    """Calls the upper part of either lung its first lobe, and the rest its last one."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(given), len(LOBES), *given.shape[1:])
        half = given.shape[1] // 2
        for upper, lower in ((LEFT[0], LEFT[1]), (RIGHT[0], RIGHT[2])):
            logits[:, upper - 1, :half], logits[:, lower - 1, half:] = 5.0, 5.0
        return logits


def test_lobes_are_scored_on_the_grid_of_theirlobe_map() -> None:
    """The left lung is right; of the right one the middle third is given away."""
    labels = lobe_map((42, 30, 50))
    found = find_lobes(_Halves(), labels)
    assert np.array_equal(found > 0, labels > 0)
    (score,) = score_lobes(_Halves(), [LobeMap("one", "any", labels)])
    by_lobe = dict(zip(LOBES, score.dice, strict=True))
    assert by_lobe["left upper"] > 0.97
    assert by_lobe["right middle"] == 0.0
    assert by_lobe["right upper"] == pytest.approx(2 * 14 / (14 + 21), abs=0.03)


def test_what_is_held_out_follows_from_the_name(shared_ct: Path) -> None:
    """Of the maps at hand about a fifth, of both origins."""
    maps = read_lobe_maps(shared_ct.parent)
    held_out = [one for one in maps if one.held_out]
    assert len(maps) == 165
    assert {one.origin for one in held_out} == {"luna_tang", "totalsegmentator"}
    assert len(held_out) == 26
