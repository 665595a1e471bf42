"""A bundle of schema 3 that is read as a chest: through the catalogue, and slab by slab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.model.chest_model import SlicesToClassify
from chest.model.load import load_model
from chest.model.probability_maps import ProbabilityMaps
from chest.model.slab_finder import SlabFinder
from chest.model.slice_scorer import SliceScorer
from chest.reader import Reader
from chest.values.figures import Side
from models.catalogue import read_any_bundle, read_catalogue, reads_chests
from models.declared_bundle import read_declared_bundle
from models.readers.open_reader import open_reader, open_slice_reader, reads_slices
from models.readers.slice_reader import HounsfieldSlice
from models.schema_2.sign import Sign
from radiology.errors import BundleRejected, SettingsRefused
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from tests.builders.declared import slab_chest
from tests.builders.declared.slab_chest import SIZE
from tests.builders.declared.write import Declaration, write_declared

_ROUNDED = 0.5 / 255.0 + 1e-6  # maps are of bytes
Neighbours = tuple[NDArray[np.float64], NDArray[np.float64]]


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


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> SlabFinder:
    """Lungs are the levels of the slices below and above."""
    networks = slab_chest.networks() | {slab_chest.MASKS: slab_chest.neighbours_as_lungs()}
    folder = write_declared(tmp_path_factory.mktemp("echo"), slab_chest.declaration(), networks)
    found = load_model(read_any_bundle(folder), threads=1).finder
    assert isinstance(found, SlabFinder)
    return found


def _levels(echo: SlabFinder, levels: NDArray[np.float32], slice_mm: float | None) -> Neighbours:
    """Levels of the slices below and above that each slice was shown between."""
    count = levels.size
    patches = np.broadcast_to(levels[:, None, None, None], (count, 1, SIZE, SIZE)).copy()
    maps = echo.find(patches, slice_mm)
    return maps.right[:, 30, 10] / 255.0, maps.left[:, 30, 10] / 255.0


def test_a_slice_is_shown_between_those_three_millimetres_away(echo: SlabFinder) -> None:
    """At the ends the slice stands in for the one that is missing."""
    levels = np.arange(12, dtype=np.float32) / 20.0
    for slice_mm, apart, every in ((3.0, 1, 1), (1.5, 2, 1), (1.0, 3, 2), (5.0, 1, 1)):
        below, above = _levels(echo, levels, slice_mm)
        looked = np.arange(0, 12, every)
        expected = levels[np.maximum(looked - apart, 0)]
        assert below[looked] == pytest.approx(expected, abs=_ROUNDED)
        assert above[looked] == pytest.approx(levels[np.minimum(looked + apart, 11)], abs=_ROUNDED)


def test_slices_that_are_no_neighbours_are_shown_alone(echo: SlabFinder) -> None:
    levels = np.linspace(0.1, 0.9, 5, dtype=np.float32)
    for shown in _levels(echo, levels, None):
        assert shown == pytest.approx(levels, abs=_ROUNDED)


def test_between_two_planes_probabilities_are_linear(finder: SlabFinder) -> None:
    """At 0.6 mm every fourth slice is looked at, and the last one."""
    patches = np.full((11, 1, SIZE, SIZE), 0.9, dtype=np.float32)
    patches[:4] = 0.3  # lung; the slices from 4 on are tissue
    seen: list[int] = []
    right = finder.find(patches, 0.6, lambda done, of: seen.append(done)).right[:, 30, 10]
    assert right.tolist() == [255, 191, 128, 64, 0, 0, 0, 0, 0, 0, 0]
    assert seen[-1] == 11


def test_chosen_slices_are_scored_alone_and_some_in_the_mirror_too(folder: Path) -> None:
    """A mirror swaps the halves and leaves the mean: the score of the half is averaged."""
    model = load_model(read_any_bundle(folder), threads=1)
    scorer = model.classifier
    assert isinstance(scorer, SliceScorer)
    patches = np.zeros((40, 1, SIZE, SIZE), dtype=np.float32)
    patches[..., : SIZE // 2] = np.linspace(0.1, 0.9, 40, dtype=np.float32)[:, None, None, None]
    chosen = list(range(39, 2, -1))  # more than fit into one run
    answers = scorer.classify(_shown(patches), chosen, [4, 3])
    assert [one.index for one in answers] == chosen
    for one in answers:
        level = float(patches[one.index, 0, 0, 0])
        half = level / 2.0 if one.index in (3, 4) else level
        assert one.viral == pytest.approx(level / 2.0, abs=1e-4)
        assert one.signs[Sign.GROUND_GLASS] == pytest.approx(half, abs=1e-4)
        assert (one.spread, one.heat) == (pytest.approx(0.0, abs=1e-6), None)


def _shown(patches: NDArray[np.float32]) -> SlicesToClassify:
    """Slices that give these patches."""
    hu = slab_chest.LOW_HU + patches[:, 0] * (slab_chest.HIGH_HU - slab_chest.LOW_HU)
    return SlicesToClassify(hu, (1.0, 1.0), patches, ProbabilityMaps.empty(len(patches), SIZE))


@pytest.fixture(scope="module")
def with_heat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle, whose scores say where they come from."""
    values = slab_chest.declaration()
    slab_chest.add_heat(values)
    networks = slab_chest.networks() | {slab_chest.SCORES: slab_chest.scores(heat=True)}
    return write_declared(tmp_path_factory.mktemp("heat"), values, networks)


def test_a_network_that_says_where_it_looked_is_asked(with_heat: Path) -> None:
    """The map of a mirror image is turned back before both are averaged."""
    scorer = load_model(read_any_bundle(with_heat), threads=1).classifier
    assert scorer is not None
    patches = np.zeros((3, 1, SIZE, SIZE), dtype=np.float32)
    patches[..., : SIZE // 7] = 0.8  # the first column of cells
    answers = scorer.classify(_shown(patches), [0, 2], [2])
    for one in answers:
        assert one.heat is not None
        assert one.heat.levels[:, 0] == pytest.approx(np.full(7, 0.8))
        assert one.heat.levels[:, 1:] == pytest.approx(np.zeros((7, 6)))
        assert (one.heat.box.top, one.heat.box.left, one.heat.box.side) == (0.0, 0.0, SIZE)


def test_heat_lies_on_the_slice_where_the_network_saw_it(with_heat: Path) -> None:
    """Slices with lesions have a map, in the place of the slice: there lung is cooler than wall."""
    chest = _chest()
    reading, _ = Reader.of(read_any_bundle(with_heat), threads=1).read(chest)
    assert reading.heat_maps
    for index, heat in reading.heat_maps.items():
        level, hu = heat.on_slice((140, 140)), chest.hounsfield[index]
        assert level[hu > 0.0].mean() > level[hu < -500.0].mean() + 0.2
    one = Volume(chest.hounsfield[20:21], chest.affine)
    read = open_slice_reader(read_any_bundle(with_heat), threads=1).read_slice(HounsfieldSlice(one))
    assert read.heat is not None
    assert read.heat.shape == (140, 140)


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


def _two_neighbours(values: Declaration) -> None:
    values["inputs"]["masks"]["neighbours"] = 2


def _another_window(values: Declaration) -> None:
    values["inputs"]["scores"]["channels"] = [{"window_hu": [-1000.0, 0.0]}]


def _one_network(values: Declaration) -> None:
    for output in values["outputs"][2:]:
        output["network"] = "masks"
    for part in ("networks", "inputs"):
        del values[part]["scores"]


def _unknown_parameter(values: Declaration) -> None:
    values["reader"]["parameters"]["colour"] = "green"


def _without_rule(values: Declaration) -> None:
    del values["reader"]["parameters"]["case"]["rule"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_without_viral, 'slice-score "viral"'),
        (_other_classes, 'mask "lungs" with the classes background, right, left'),
        (_two_neighbours, "one neighbour on each side"),
        (_another_window, "the window of the other network"),
        (_one_network, "two networks"),
        (_unknown_parameter, '"colour" is not a key here'),
        (_without_rule, "rule"),
    ],
)
def test_a_declaration_that_is_no_chest_is_refused_when_it_is_opened(
    change: Callable[[Declaration], None], match: str, tmp_path: Path
) -> None:
    values: dict[str, Any] = slab_chest.declaration()
    change(values)
    folder = write_declared(tmp_path, values, slab_chest.networks())
    with pytest.raises(BundleRejected, match=match):
        load_model(read_any_bundle(folder), threads=1)


def test_a_reader_that_is_not_installed_is_refused_with_those_that_are(tmp_path: Path) -> None:
    values = slab_chest.declaration()
    values["reader"]["entry_point"] = "chest-ctt"
    folder = write_declared(tmp_path, values, slab_chest.networks())
    with pytest.raises(
        BundleRejected, match=r'no entry point "chest-ctt".*Did you mean "chest-ct"'
    ):
        read_declared_bundle(folder)


def test_a_reader_of_its_own_asks_no_other_entry_point(tmp_path: Path) -> None:
    values = slab_chest.declaration()
    values["reading"] = {"entry_point": "anything"}
    folder = write_declared(tmp_path, values, slab_chest.networks())
    with pytest.raises(BundleRejected, match="not both"):
        read_declared_bundle(folder)
