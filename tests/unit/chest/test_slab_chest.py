"""A bundle of schema 3 that is read as a chest: through the catalogue, and slab by slab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chest.model.load import load_model
from chest.model.of_schema_3 import SlabFinder
from chest.reader import Reader
from chest.values.figures import Side
from models.catalogue import read_any_bundle, read_catalogue, reads_chests
from models.declared_bundle import read_declared_bundle
from models.readers.open_reader import open_reader, open_slice_reader, reads_slices
from models.readers.slice_reader import HounsfieldSlice
from radiology.errors import BundleRejected, SettingsRefused
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from tests.builders.declared import slab_chest
from tests.builders.declared.slab_chest import SIZE
from tests.builders.declared.write import Declaration, write_declared


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slab_chest.write_slab_chest(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def finder(folder: Path) -> SlabFinder:
    found = load_model(read_any_bundle(folder), threads=1).finder
    assert isinstance(found, SlabFinder)
    return found


def _chest(slice_mm: float = 3.0) -> Volume:
    """Two boxes of lung with a trachea between them, haze in the right one."""
    count = round(180 / slice_mm)
    hu = np.full((count, 140, 140), 40.0, dtype=np.float32)
    at = {mm: round(mm / slice_mm) for mm in (24, 36, 60, 72, 156)}
    hu[at[24] : at[156], 30:110, 20:60] = hu[at[24] : at[156], 30:110, 80:120] = -850.0
    hu[at[36] : at[72], 90:106, 26:50] = -550.0
    hu[at[60] :, 44:50, 67:73] = -1000.0
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = slice_mm, 2.5, 2.5, 1.0
    return Volume(hu, affine)


def test_the_catalogue_has_it_and_it_is_read_as_a_chest(folder: Path) -> None:
    """Its reader and its reader of slices are entry points that are installed."""
    bundle = read_catalogue(folder.parent.parent).newest(slab_chest.NAME)
    assert reads_chests(bundle)
    assert reads_slices(bundle)
    assert isinstance(open_reader(bundle, threads=1), Reader)
    with pytest.raises(SettingsRefused, match="reader of its own"):
        open_reader(bundle, threads=1, limits={"lesions": 2.0})


@pytest.mark.parametrize("slice_mm", [3.0, 1.0], ids=["each slice", "every second slice"])
def test_haze_is_found_and_measured(folder: Path, slice_mm: float) -> None:
    """The same chest in thin slices, half of which are interpolated, has the same figures."""
    reading, triage = Reader.of(read_any_bundle(folder), threads=1).read(_chest(slice_mm))
    right = reading.figures[Side.RIGHT]
    assert reading.outcome is Outcome.FINDINGS
    assert triage is not None
    truth_ml = 36.0 * (16 * 2.5) * (24 * 2.5) / 1000.0
    assert right.lesion_volume_ml == pytest.approx(truth_ml, rel=0.1)
    assert reading.figures[Side.LEFT].lesion_volume_ml == 0.0
    assert right.lung_volume_ml == pytest.approx(132.0 * 200.0 * 100.0 / 1000.0, rel=0.1)


def test_a_slice_is_shown_between_those_three_millimetres_away(finder: SlabFinder) -> None:
    """The scores are the levels of the slices below and above; at the ends the slice stands in."""
    levels = np.arange(12, dtype=np.float32) / 20.0
    patches = np.broadcast_to(levels[:, None, None, None], (12, 1, SIZE, SIZE)).copy()
    for slice_mm, apart, every in ((3.0, 1, 1), (1.5, 2, 1), (1.0, 3, 2), (5.0, 1, 1)):
        scores = finder.find(patches, slice_mm).scores
        assert scores is not None
        looked = np.arange(0, 12, every)
        expected = levels[np.maximum(looked - apart, 0)]
        assert scores[looked, 0] == pytest.approx(expected, abs=1e-5)
        assert scores[looked, 1] == pytest.approx(levels[np.minimum(looked + apart, 11)], abs=1e-5)


def test_slices_that_are_no_neighbours_are_shown_alone(finder: SlabFinder) -> None:
    levels = np.linspace(0.1, 0.9, 5, dtype=np.float32)
    patches = np.broadcast_to(levels[:, None, None, None], (5, 1, SIZE, SIZE)).copy()
    scores = finder.find(patches, None).scores
    assert scores is not None
    assert scores[:, 0] == pytest.approx(levels, abs=1e-4)
    assert scores[:, 1] == pytest.approx(levels, abs=1e-4)


def test_between_two_planes_probabilities_are_linear(finder: SlabFinder) -> None:
    """At 0.6 mm every fourth slice is looked at, and the last one."""
    patches = np.full((11, 1, SIZE, SIZE), 0.9, dtype=np.float32)
    patches[:4] = 0.3  # lung; the slices from 4 on are tissue
    seen: list[int] = []
    right = finder.find(patches, 0.6, lambda done, of: seen.append(done)).maps.right[:, 30, 10]
    assert right.tolist() == [255, 191, 128, 64, 0, 0, 0, 0, 0, 0, 0]
    assert seen[-1] == 11


def test_a_mirrored_slice_is_averaged_and_its_spread_told(finder: SlabFinder) -> None:
    """Levels do not change in a mirror: the spread is that of the neighbours alone."""
    levels = np.arange(6, dtype=np.float32) / 10.0
    patches = np.broadcast_to(levels[:, None, None, None], (6, 1, SIZE, SIZE)).copy()
    found = finder.find(patches, 3.0)
    once, twice = finder.classify(patches, found, [2, 3], [3])
    assert (once.spread, once.heat) == (0.0, None)
    assert once.viral == pytest.approx(0.1, abs=1e-5)
    assert twice.viral == pytest.approx((0.2 + 0.3) / 2, abs=1e-5)
    assert twice.spread == pytest.approx(0.05, abs=1e-5)


def test_a_single_slice_is_read(folder: Path) -> None:
    """As uploads and `firstread predict` read it."""
    chest = _chest()
    one = Volume(chest.hounsfield[20:21], chest.affine)
    read = open_slice_reader(read_any_bundle(folder), threads=1).read_slice(HounsfieldSlice(one))
    assert read.assessable
    assert read.heat is None
    assert read.answer["lesion_share_percent"] == pytest.approx(6.0, rel=0.15)


def _without_viral(values: Declaration) -> None:
    values["outputs"] = [one for one in values["outputs"] if one["name"] != "viral"]


def _other_classes(values: Declaration) -> None:
    values["outputs"][0]["classes"][1]["name"] = "dexter"
    values["measurements"][0]["within"] = ["lungs.dexter", "lungs.left"]


def _no_neighbours(values: Declaration) -> None:
    values["inputs"]["chest"]["neighbours"] = 2


def _unknown_parameter(values: Declaration) -> None:
    values["reader"]["parameters"]["colour"] = "green"


def _without_rule(values: Declaration) -> None:
    del values["reader"]["parameters"]["case"]["rule"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_without_viral, 'slice-score "viral"'),
        (_other_classes, 'mask "lungs" with the classes background, right, left'),
        (_no_neighbours, "one neighbour on each side"),
        (_unknown_parameter, '"colour" is not a key here'),
        (_without_rule, "rule"),
    ],
)
def test_a_declaration_that_is_no_chest_is_refused_when_it_is_opened(
    change: Callable[[Declaration], None], match: str, tmp_path: Path
) -> None:
    values: dict[str, Any] = slab_chest.declaration()
    change(values)
    folder = write_declared(tmp_path, values, {"slab.onnx": slab_chest.network()})
    with pytest.raises(BundleRejected, match=match):
        load_model(read_any_bundle(folder), threads=1)


def test_a_reader_that_is_not_installed_is_refused_with_those_that_are(tmp_path: Path) -> None:
    values = slab_chest.declaration()
    values["reader"]["entry_point"] = "chest-ctt"
    folder = write_declared(tmp_path, values, {"slab.onnx": slab_chest.network()})
    with pytest.raises(
        BundleRejected, match=r'no entry point "chest-ctt".*Did you mean "chest-ct"'
    ):
        read_declared_bundle(folder)


def test_a_reader_of_its_own_asks_no_other_entry_point(tmp_path: Path) -> None:
    values = slab_chest.declaration()
    values["reading"] = {"entry_point": "anything"}
    folder = write_declared(tmp_path, values, {"slab.onnx": slab_chest.network()})
    with pytest.raises(BundleRejected, match="not both"):
        read_declared_bundle(folder)
