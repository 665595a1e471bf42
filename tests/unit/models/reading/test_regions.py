"""Regions of findings: each voxel is of one, and the later one has it."""

from __future__ import annotations

import numpy as np

from models.measure.regions import part_overlaps


def test_a_voxel_of_two_findings_goes_to_the_later_one() -> None:
    """A core in a tumour, each of a map of its own, and a finding that shares no voxel."""
    tumour = np.array([[[1, 1, 1, 0, 0]]], dtype=np.uint8)
    core = np.array([[[0, 1, 0, 0, 0]]], dtype=np.uint8)
    other = np.array([[[0, 0, 0, 0, 1]]], dtype=np.uint8)
    labels = {"a.tumour": (tumour, 1), "a.core": (core, 1), "b.other": (other, 1)}
    part_overlaps(labels, labels)
    assert tumour.tolist() == [[[1, 0, 1, 0, 0]]]
    assert core.tolist() == [[[0, 1, 0, 0, 0]]]
    assert other.tolist() == [[[0, 0, 0, 0, 1]]]


def test_classes_of_one_map_stay_as_they_are() -> None:
    """A map holds one class at each voxel already."""
    shared = np.array([[[1, 2, 0]]], dtype=np.uint8)
    part_overlaps({"a.one": (shared, 1), "a.two": (shared, 2)}, ["a.one", "a.two"])
    assert shared.tolist() == [[[1, 2, 0]]]
