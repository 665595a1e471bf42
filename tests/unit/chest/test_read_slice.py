"""One slice, without a volume around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.model.load import load_model
from chest.slices.read_slice import ChestSliceReader
from chest.values.regions import LesionLabel, LungLabel
from models.schema_2.bundle import Bundle, read_bundle
from models.schema_2.sign import Sign
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected

RIGHT = np.s_[30:130, 20:80]
LEFT = np.s_[30:130, 112:172]
HAZE = np.s_[60:110, 124:160]


def _slice(haze_hu: float | None = -600.0) -> NDArray[np.float32]:
    """Two lungs in soft tissue, haze in the patient's left one; the image's right side."""
    hu = np.full((160, 192), 40.0, dtype=np.float32)
    hu[RIGHT] = hu[LEFT] = -860.0
    if haze_hu is not None:
        hu[HAZE] = haze_hu
    return hu


@pytest.fixture(scope="module")
def reader(tiny: Bundle) -> ChestSliceReader:
    return ChestSliceReader(load_model(tiny, threads=1, provider=ExecutionProvider.CPU))


def test_lungs_and_lesions_lie_on_the_slices_own_grid(reader: ChestSliceReader) -> None:
    """The square has 64 pixels for 192: edges may be off by one of its pixels, sides may not."""
    found = reader.read_hounsfield(_slice())
    assert found.lungs.shape == found.lesions.shape == (160, 192)
    assert set(np.unique(found.lungs[35:125, 25:75])) == {LungLabel.RIGHT}
    assert set(np.unique(found.lungs[35:55, 117:167])) == {LungLabel.LEFT}
    assert set(np.unique(found.lesions[65:105, 129:155])) == {LesionLabel.GROUND_GLASS}
    assert not found.lesions[:, :100].any()
    assert found.lesion_share_percent == pytest.approx(100 * 50 * 36 / (2 * 100 * 60), abs=2.0)


def test_clear_slice_has_no_lesion_and_little_probability(reader: ChestSliceReader) -> None:
    found = reader.read_hounsfield(_slice(haze_hu=None))
    assert found.lesion_share_percent == 0.0
    assert found.viral is not None
    hazy = reader.read_hounsfield(_slice()).viral
    assert hazy is not None
    assert found.viral < 0.3 < hazy


def test_consolidation_at_the_chest_wall_belongs_to_the_lung(reader: ChestSliceReader) -> None:
    hu = _slice(haze_hu=None)
    hu[100:130, 130:172] = -350.0
    found = reader.read_hounsfield(hu)
    assert set(np.unique(found.lungs[103:127, 133:169])) == {LungLabel.LEFT}
    assert set(np.unique(found.lesions[103:127, 133:169])) == {LesionLabel.CONSOLIDATION}


def test_islands_outside_of_the_lungs_are_left_out(reader: ChestSliceReader) -> None:
    hu = _slice()
    hu[145:150, 90:98] = -860.0
    assert not reader.read_hounsfield(hu).lungs[138:].any()


def test_slice_and_its_mirror_image_are_read_alike(reader: ChestSliceReader) -> None:
    """Averaged over both, the answer has no side of its own."""
    straight = reader.read_hounsfield(_slice())
    mirrored = reader.read_hounsfield(np.ascontiguousarray(_slice()[:, ::-1]))
    assert mirrored.viral == pytest.approx(straight.viral, abs=1e-6)
    assert mirrored.heat is not None
    assert straight.heat is not None
    assert np.allclose(mirrored.heat[:, ::-1], straight.heat, atol=1e-5)
    assert np.array_equal(mirrored.lesions[:, ::-1] > 0, straight.lesions > 0)


def test_heat_lies_on_the_haze(reader: ChestSliceReader) -> None:
    heat = reader.read_hounsfield(_slice()).heat
    assert heat is not None
    assert heat.shape == (160, 192)
    assert heat.min() >= 0.0
    assert heat.max() <= 1.0
    assert heat[HAZE].mean() > 10 * heat[:, :100].mean()


def test_signs_and_spread_come_from_all_members(reader: ChestSliceReader) -> None:
    found = reader.read_hounsfield(_slice())
    assert list(found.signs) == list(Sign)
    assert all(0.0 <= value <= 1.0 for value in found.signs.values())
    assert found.spread is not None
    assert 0.0 < found.spread < 0.25
    assert reader.viral_threshold == 0.5


def test_grey_figure_is_read_as_its_slice_in_hounsfield_units(reader: ChestSliceReader) -> None:
    """A lung window of −1400…200 HU, with a little noise so that the peaks are peaks."""
    hu = _slice() + np.random.default_rng(1).normal(0, 15, (160, 192))
    grey = np.clip((hu + 1400) / 1600 * 255, 0, 255).astype(np.uint8)
    found = reader.read_grey(grey)
    assert set(np.unique(found.lungs[35:125, 25:75])) == {LungLabel.RIGHT}
    assert found.lesion_share_percent == pytest.approx(15.0, abs=3.0)


@pytest.mark.parametrize("grey", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint16)])
def test_what_is_no_grey_slice_is_refused(
    reader: ChestSliceReader, grey: NDArray[np.uint8]
) -> None:
    with pytest.raises(ValueError, match="uint8 with rows and columns"):
        reader.read_grey(grey)


def test_black_image_has_no_lungs(reader: ChestSliceReader) -> None:
    found = reader.read_grey(np.zeros((200, 100), np.uint8))
    assert not found.lungs.any()
    assert found.lesion_share_percent == 0.0


def test_without_a_classifier_there_is_no_probability(copied: Path) -> None:
    path = copied / "bundle.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[networks.classification]"), text.index("[segmentation.input]")
    text = text[:start] + text[end:]
    start, end = text.index("[classification.input]"), text.index("[case]")
    text = text[:start] + text[end:]
    path.write_text(text[: text.index("viral_low")], encoding="utf-8")
    reader = ChestSliceReader(load_model(read_bundle(copied), threads=1))
    found = reader.read_hounsfield(_slice())
    assert (found.viral, found.spread, found.heat) == (None, None, None)
    assert not found.signs
    assert found.lesion_share_percent > 5
    with pytest.raises(BundleRejected, match="no classifier"):
        reader.viral_threshold  # noqa: B018
