"""Painted opacities: inside the lung, never darker than what was there, named by their density."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from training.data.paste_lesions import paste_lesion
from training.data.slices import LESION_CONSOLIDATION, LESION_GROUND_GLASS

SIZE = 96


def _painted(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    lung = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    lung[16:80, 16:80] = True
    hounsfield = torch.where(lung, -860.0, 40.0)[None]
    none = torch.zeros(SIZE, SIZE, dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    return (lung, hounsfield, *paste_lesion(hounsfield, lung, none, generator))


def test_nothing_is_painted_outside_and_nothing_grows_darker() -> None:
    for seed in range(20):
        lung, before, after, lesion = _painted(seed)
        assert torch.equal(after[0][~lung], before[0][~lung])
        assert bool((after >= before).all())
        assert not lesion[~lung].any()


def test_density_names_what_was_painted() -> None:
    """Of many, a good part is as dense as the chest wall and touches it."""
    solid = at_wall = 0
    for seed in range(200):
        lung, _, after, lesion = _painted(seed)
        dense = lesion == LESION_CONSOLIDATION
        light = lesion == LESION_GROUND_GLASS
        if light.any():
            assert float(after[0][light].mean()) < -250.0
        if dense.any() and float(after[0][dense].mean()) > -100.0:
            solid += 1
            edge = lung.clone()
            edge[18:78, 18:78] = False
            at_wall += bool(dense[edge].any())
    assert solid > 40
    assert at_wall > 0.8 * solid
