"""The slices that are kept for the page: axial from head to feet, with what may be outlined."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from radiology.encoding_profile import EncodingChoice
from radiology.image.heat_map import HeatMap
from radiology.image.slice_stack import (
    HEAT,
    INDEX,
    STEP_HU,
    labels_entry,
    unpack_labels,
    unpack_voxels,
    voxels_entry,
)
from tests.builders.chest.outline_label import OutlineLabel
from tests.builders.stored.written import write_here
from tests.unit.worker.encode.encoded_chest import (
    ORIENTATIONS,
    Chest,
    ChestContext,
    result_context,
    with_chest,
)
from tests.unit.worker.encode.possible_opacity import with_possible
from worker.encode import encode_results, plan_results, render_key_picture, united
from worker.keep.keep_results import bytes_of
from worker.keep.keep_slices import keep_slices, packed_slices

CUBE = Chest(spacing_mm=(4.0, 4.0, 4.0), shape=(56, 72, 72))


class _Kept:
    """What was written, read back."""

    def __init__(self, folder: Path, context: ChestContext) -> None:
        packed = packed_slices(context)
        assert packed is not None
        path = keep_slices(folder, "1.2.3/picture", packed, write=write_here)
        assert path == "1.2.3/picture.slices.zip"
        self.path = folder / path
        with zipfile.ZipFile(self.path) as archive:
            self.index: dict[str, Any] = json.loads(archive.read(INDEX))
            self.heat: dict[str, Any] = json.loads(archive.read(HEAT))
            shape = (self.index["rows"], self.index["columns"])
            places = range(self.index["slices"])
            self.voxels = np.stack(
                [unpack_voxels(archive.read(voxels_entry(one)), shape) for one in places]
            )
            self.labels: NDArray[np.uint8] = np.stack(
                [unpack_labels(archive.read(labels_entry(one)), shape) for one in places]
            )


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_axial_from_head_to_feet(tmp_path: Path, orientation: str) -> None:
    """However the patient was scanned, the right lung is on the left and the head comes first."""
    chest = replace(CUBE, orientation=ORIENTATIONS[orientation])
    kept = _Kept(tmp_path, result_context(chest=chest))
    heights = kept.index["heights_mm"]
    assert heights == sorted(heights, reverse=True)
    right, left = (np.argwhere(kept.labels == one) for one in (1, 2))
    assert right[:, 2].mean() < left[:, 2].mean()
    ground_glass, solid = (np.argwhere(kept.labels == one) for one in (3, 4))
    assert ground_glass.size
    assert solid.size
    # The lesion of the right lung lies 15 mm to the feet of the middle, so in the second half.
    middle = (kept.index["slices"] - 1) / 2
    assert ground_glass[:, 0].mean() > middle


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_voxels_lie_under_their_labels(tmp_path: Path, enhanced: bool) -> None:
    """What is outlined as lung has the density of lung, and a consolidation its own."""
    kept = _Kept(tmp_path, result_context(chest=replace(CUBE, enhanced=enhanced)))
    solid = kept.voxels[kept.labels == OutlineLabel.CONSOLIDATION]
    lung = kept.voxels[kept.labels == OutlineLabel.RIGHT_LUNG]
    assert np.abs(solid + 10).max() <= STEP_HU
    assert np.abs(lung + 850).max() <= STEP_HU


def test_key_slice_and_lesion_slices(tmp_path: Path) -> None:
    """The key slice holds a lesion, and the slices to jump to are those that do."""
    context = result_context(chest=CUBE)
    kept = _Kept(tmp_path, context)
    held = np.flatnonzero((kept.labels >= OutlineLabel.GROUND_GLASS).any(axis=(1, 2))).tolist()
    assert kept.index["lesion_slices"] == held
    assert kept.index["key"] in held
    by_uid = {str(one.SOPInstanceUID): one for one in context.headers}
    key_instance = by_uid[kept.index["key_instance"]]
    height_mm = kept.index["heights_mm"][kept.index["key"]]
    assert float(key_instance.ImagePositionPatient[2]) == pytest.approx(height_mm, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("negative", {OutlineLabel.NONE, OutlineLabel.RIGHT_LUNG, OutlineLabel.LEFT_LUNG}),
        ("not assessable", {OutlineLabel.NONE}),
    ],
)
def test_nothing_is_outlined_that_is_not_claimed(
    tmp_path: Path, kind: str, shown: set[OutlineLabel]
) -> None:
    """No lesion where none is claimed, and no outline at all where nothing could be assessed."""
    kept = _Kept(tmp_path, result_context(kind, CUBE))
    assert set(np.unique(kept.labels).tolist()) == {one.value for one in shown}
    assert kept.index["lesion_slices"] == []
    assert kept.index["lesions"] == []


@pytest.mark.parametrize("orientation", ["axial", "axial, patient prone", "coronal"])
def test_a_lesion_is_found_where_it_lies(tmp_path: Path, orientation: str) -> None:
    """The place of a lesion in the patient becomes a slice, a row and a column inside of it."""
    context = result_context(chest=replace(CUBE, orientation=ORIENTATIONS[orientation]))
    kept = _Kept(tmp_path, replace(context, lesion_places={1: (65.0, 25.0, 15.0)}))
    (place,) = kept.index["lesions"]
    row, column = round(place["row"]), round(place["column"])
    assert kept.labels[place["slice"], row, column] == OutlineLabel.CONSOLIDATION


def test_heat_maps_lie_on_their_slices(tmp_path: Path) -> None:
    """A heat map goes to the place of its slice in the stack."""
    context = result_context(chest=CUBE)
    heat = HeatMap(np.full((2, 3), 7, np.uint8), 10.0, 11.0, 20.0, 30.0)
    kept = _Kept(tmp_path, with_chest(context, heat_maps={5: heat}))
    (place,) = kept.heat
    assert kept.index["heat_slices"] == [int(place)]
    assert kept.heat[place]["levels"] == [[7, 7, 7], [7, 7, 7]]
    assert int(place) in (5, CUBE.shape[0] - 1 - 5)


def test_keeping_twice_gives_the_same_file(tmp_path: Path) -> None:
    """A job may run twice."""
    context = result_context(chest=CUBE)
    first = _Kept(tmp_path, context).path.read_bytes()
    assert _Kept(tmp_path, context).path.read_bytes() == first


@pytest.mark.parametrize("orientation", ["axial", "axial, patient prone"])
def test_what_is_possible_is_shown_where_nothing_is_claimed(
    tmp_path: Path, orientation: str
) -> None:
    """With a line of its own, on the slices that the page steps through."""
    chest = replace(CUBE, orientation=ORIENTATIONS[orientation])
    context = with_possible(result_context("negative", chest))
    kept = _Kept(tmp_path, context)
    (entry,) = [one for one in kept.index["regions"] if one["is_possible"]]
    assert entry["name"] == "Possible opacity"
    held = (kept.labels == entry["label"]).any(axis=(1, 2))
    assert held.sum() == 4
    assert kept.index["possible_slices"] == np.flatnonzero(held).tolist()
    assert kept.index["lesion_slices"] == []
    (told,) = context.reading.possible
    assert told.slices == 4
    assert told.volume.value == pytest.approx(4 * 4 * 3 * 4.0**3 / 1000.0)


def test_what_is_possible_is_not_shown_where_nothing_could_be_assessed(tmp_path: Path) -> None:
    kept = _Kept(tmp_path, with_possible(result_context("not assessable", CUBE)))
    assert not kept.labels.any()
    assert kept.index["possible_slices"] == []


def test_what_is_possible_is_in_no_object() -> None:
    """Objects and pictures of a study are the same with it and without."""
    context = result_context(chest=CUBE)
    recipes = united([plan_results(context, EncodingChoice())])
    plain, other = (
        encode_results(one, recipes, picture=partial(render_key_picture, one))
        for one in (context, with_possible(context))
    )
    for mine, theirs in zip(plain, other, strict=True):
        assert bytes_of(mine) == bytes_of(theirs)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_where_a_voxel_lies_in_the_patient(tmp_path: Path, orientation: str) -> None:
    """The index places the consolidation where the phantom has it, however it was scanned."""
    chest = replace(CUBE, orientation=ORIENTATIONS[orientation])
    context = result_context(chest=chest)
    kept = _Kept(tmp_path, context)
    solid = np.argwhere(kept.labels == OutlineLabel.CONSOLIDATION).mean(axis=0)
    placed = np.array(kept.index["affine_mm"]) @ np.array([*solid, 1.0])
    volume, truth = context.volume, _mask_of(context, "Consolidation")
    expected = volume.positions_mm(np.argwhere(truth)).mean(axis=0)
    assert placed == pytest.approx(expected, abs=0.1)


def test_from_where_to_where_the_organ_reaches(tmp_path: Path) -> None:
    """The slices of two studies are put beside each other by the extent of what both outline."""
    kept = _Kept(tmp_path, result_context(chest=CUBE))
    held = [place for place in range(kept.index["slices"]) if kept.labels[place].any()]
    assert kept.index["organ_slices"] == [held[0], held[-1]]
    nothing = _Kept(tmp_path / "not", result_context("not assessable", chest=CUBE))
    assert nothing.index["organ_slices"] == []


def _mask_of(context: ChestContext, name: str) -> NDArray[np.bool_]:
    """A region of a reading, on the grid that was read."""
    (region,) = [one for one in context.findings if one.name == name]
    assert region.labels is not None
    return np.isin(region.labels, list(region.values))
