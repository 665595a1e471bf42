"""Per-slice probabilities become lungs and lesions that hang together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chest.lungs.segment import segment
from chest.model.probability_maps import ProbabilityMaps
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from models.schema_2.bundle import Bundle
from models.schema_2.preprocess import fit_of
from radiology.image.volume import Volume
from tests.builders.chest.models import silent_model

SLICES, SIZE = 20, 256
RIGHT_LUNG = (slice(2, 18), slice(60, 180), slice(40, 110))
LEFT_LUNG = (slice(2, 18), slice(60, 180), slice(150, 220))


BODY = (slice(0, SLICES), slice(40, 240), slice(20, 240))
AIR, LUNG, HAZE, SOFT = 0.17, 0.27, 0.47, 0.86  # −1000, −850, −550 and 40 HU


class Chest:
    """Two lungs as boxes in a body, on a grid of 1.4 × 1.4 × 2 mm, everything certain."""

    def __init__(self) -> None:
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = 2.0, 1.4, 1.4, 1.0
        hu = np.zeros((SLICES, SIZE, SIZE), dtype=np.float32)
        self.volume = Volume(hu, affine)
        self.patches = np.full((SLICES, 1, SIZE, SIZE), AIR, dtype=np.float32)
        for box, level in ((BODY, SOFT), (RIGHT_LUNG, LUNG), (LEFT_LUNG, LUNG)):
            self.patches[:, 0][box] = level
        self.maps = ProbabilityMaps.empty(SLICES, SIZE)
        self.maps.right[RIGHT_LUNG] = 255
        self.maps.left[LEFT_LUNG] = 255

    def ill(self, box: tuple[slice, ...], level: float = HAZE, sure: int = 255) -> None:
        """Make a box of lung denser, and have the network see a lesion in it."""
        self.patches[:, 0][box] = level
        self.maps.lesion[box] = sure

    def segment(self, bundle: Bundle) -> ChestRegions:
        fit = fit_of(self.volume, bundle.grid)
        return segment(self.maps, self.patches, self.volume, fit, silent_model(bundle)).regions


@pytest.fixture
def chest() -> Chest:
    return Chest()


def test_certain_lungs_come_out_as_they_are(chest: Chest, shipped: Bundle) -> None:
    lungs = chest.segment(shipped).lungs
    expected = np.zeros_like(lungs)
    expected[RIGHT_LUNG] = LungLabel.RIGHT
    expected[LEFT_LUNG] = LungLabel.LEFT
    assert np.array_equal(lungs, expected)


def test_small_islands_are_dropped(chest: Chest, shipped: Bundle) -> None:
    chest.maps.left[9:11, 210:220, 40:50] = 255
    chest.patches[9:11, 0, 210:220, 40:50] = LUNG
    lungs = chest.segment(shipped).lungs
    assert not lungs[:, 195:].any()


def test_vessel_is_lung_but_a_large_hole_is_not(chest: Chest, shipped: Bundle) -> None:
    chest.maps.right[10, 100:104, 70:74] = 0
    chest.maps.right[12, 80:140, 60:100] = 0
    lungs = chest.segment(shipped).lungs
    assert lungs[10, 102, 72] == LungLabel.RIGHT
    assert lungs[12, 110, 80] == LungLabel.NONE


def test_pure_gas_in_the_belly_is_not_lung(chest: Chest, shipped: Bundle) -> None:
    chest.maps.left[2:12, 200:225, 150:180] = 255
    chest.patches[2:12, 0, 200:225, 150:180] = AIR
    lungs = chest.segment(shipped).lungs
    assert not lungs[:, 195:].any()
    assert (lungs[LEFT_LUNG] == LungLabel.LEFT).all()


def test_bowel_with_gas_and_stool_is_not_lung(chest: Chest, shipped: Bundle) -> None:
    """The colon hangs on the left lung by a few voxels, and holds gas beside what is soft."""
    chest.maps.left[2:12, 180:205, 150:180] = 255
    chest.maps.left[0:2, 170:205, 150:180] = 255
    chest.patches[0:2, 0, 170:205, 150:180] = 0.8
    chest.patches[0:2, 0, 170:175, 150:180] = AIR
    lungs = chest.segment(shipped).lungs
    assert not lungs[:2].any()
    assert (lungs[LEFT_LUNG] == LungLabel.LEFT).all()


def test_room_air_beside_the_patient_is_not_lung(chest: Chest, shipped: Bundle) -> None:
    """The table's edge crosses the air at the picture's edge, and the network calls it disease."""
    chest.maps.left[2:18, 195:235, 190:256] = 255
    chest.maps.lesion[2:18, 210:220, 190:256] = 255
    chest.patches[2:18, 0, 195:235, 190:256] = AIR
    chest.patches[2:18, 0, 210:220, 190:256] = 0.6
    regions = chest.segment(shipped)
    assert not regions.lungs[:, 192:].any()
    assert not regions.lesions.any()
    assert (regions.lungs[LEFT_LUNG] == LungLabel.LEFT).all()


def test_a_small_piece_of_room_air_at_the_edge_is_not_lung(chest: Chest, shipped: Bundle) -> None:
    """The table takes most of it; what is gas is still more than a lung's tip could hold."""
    chest.maps.left[2:18, 200:220, 230:256] = 255
    chest.patches[2:18, 0, 200:206, 230:256] = AIR
    lungs = chest.segment(shipped).lungs
    assert not lungs[:, 195:].any()


def test_lung_cut_off_by_the_field_of_view_stays_lung(chest: Chest, shipped: Bundle) -> None:
    """It reaches the picture's edge as room air does, with a fifth of it emphysema."""
    chest.maps.left[2:18, 60:180, 150:256] = 255
    chest.patches[2:18, 0, 84:180, 150:256] = LUNG
    chest.patches[2:18, 0, 60:84, 150:256] = AIR
    chest.patches[:, 0, 40:60, 150:256] = SOFT
    chest.patches[:, 0, 180:240, 150:256] = SOFT
    lungs = chest.segment(shipped).lungs
    assert (lungs[2:18, 60:180, 150:256] == LungLabel.LEFT).all()


def test_pure_gas_in_a_lung_is_no_lesion(chest: Chest, shipped: Bundle) -> None:
    """A bulla may lie in a lung; a lesion is denser than the lung around it."""
    chest.maps.lesion[5:9, 100:130, 60:80] = 255
    chest.patches[5:9, 0, 100:130, 60:80] = AIR
    regions = chest.segment(shipped)
    assert (regions.lungs[6, 102:128, 62:78] == LungLabel.RIGHT).all()
    assert not regions.lesions.any()


def test_diseased_tip_of_a_lung_stays_lung(chest: Chest, shipped: Bundle) -> None:
    """Soft without any gas is disease at the lung's base, not bowel."""
    chest.maps.left[0:2, 150:175, 160:200] = 255
    chest.maps.lesion[0:2, 150:175, 160:190] = 255
    chest.patches[0:2, 0, 150:175, 160:190] = 0.8
    lungs = chest.segment(shipped).lungs
    assert (lungs[0:2, 150:175, 160:200] == LungLabel.LEFT).all()


def test_side_follows_the_patient_where_the_network_wavers(chest: Chest, shipped: Bundle) -> None:
    """A patch called the wrong side, and one called neither, get the side that they lie on."""
    chest.maps.right[5:8, 100:110, 180:190] = 255
    chest.maps.left[5:8, 100:110, 180:190] = 0
    chest.maps.right[10, 70:90, 50:60] = 130
    chest.maps.left[10, 70:90, 50:60] = 125
    lungs = chest.segment(shipped).lungs
    assert (lungs[LEFT_LUNG] == LungLabel.LEFT).all()
    assert (lungs[RIGHT_LUNG] == LungLabel.RIGHT).all()


def test_lesions_lie_in_lungs_and_have_their_kind(chest: Chest, shipped: Bundle) -> None:
    chest.ill(np.s_[5:9, 150:170, 50:80])
    chest.ill(np.s_[5:9, 150:170, 160:180], SOFT)
    chest.ill(np.s_[5:9, 20:40, 120:140])  # in no lung
    regions = chest.segment(shipped)
    assert (regions.lesions[6, 152:168, 52:78] == LesionLabel.GROUND_GLASS).all()
    assert (regions.lesions[6, 152:168, 162:178] == LesionLabel.CONSOLIDATION).all()
    assert not regions.lesions[regions.lungs == 0].any()
    assert not regions.lesions[:, :60].any()


def test_tiny_lesions_are_dropped(chest: Chest, shipped: Bundle) -> None:
    """Four voxels of 4 mm³ are a vessel, not pneumonia."""
    chest.ill(np.s_[8:10, 99:102, 60:63])
    chest.maps.lesion[8:10] = 0
    chest.maps.lesion[8:10, 100, 60:62] = 255
    assert not chest.segment(shipped).lesions.any()


def test_dense_lesion_at_the_lung_belongs_to_the_lung(chest: Chest, shipped: Bundle) -> None:
    """The network leaves an airless strip out of the lung; it is lung all the same."""
    chest.maps.right[5:9, 178:180, 60:90] = 0
    chest.ill(np.s_[5:9, 165:180, 60:90], SOFT)
    regions = chest.segment(shipped)
    assert (regions.lungs[6:8, 178:180, 62:88] == LungLabel.RIGHT).all()
    assert (regions.lesions[6:8, 178:180, 62:88] > 0).all()


def test_airless_lung_at_the_wall_fills_the_notch_that_it_leaves(
    chest: Chest, shipped: Bundle
) -> None:
    """Far deeper than what merely touches the lung; what lies outside of it altogether is none."""
    notch = np.s_[5:9, 160:180, 58:70]
    chest.maps.right[notch] = 0
    chest.ill(notch, SOFT)
    chest.maps.right[5:9, 160:180, 95:110] = 0  # a corner is no notch
    chest.ill(np.s_[5:9, 160:180, 95:110], SOFT)
    regions = chest.segment(shipped)
    assert (regions.lungs[6:8, 162:178, 60:68] == LungLabel.RIGHT).all()
    assert (regions.lesions[6:8, 165:178, 60:68] == LesionLabel.CONSOLIDATION).all()
    assert not regions.lungs[6:8, 172:178, 102:110].any()


def test_a_wide_notch_at_the_ribs_is_filled(chest: Chest, shipped: Bundle) -> None:
    """70 mm along the wall: a disc of 20 mm goes to its ground."""
    notch = np.s_[5:9, 95:145, 190:220]
    chest.maps.left[notch] = 0
    chest.ill(notch, SOFT)
    lesions = chest.segment(shipped).lesions
    assert (lesions[6:8, 97:143, 192:218] == LesionLabel.CONSOLIDATION).all()


def test_a_strip_of_partial_volume_at_the_wall_is_ground_glass(
    chest: Chest, shipped: Bundle
) -> None:
    """The network calls it consolidation, and its density leaves it open."""
    chest.ill(np.s_[5:9, 100:140, 200:220])
    chest.ill(np.s_[5:9, 100:140, 219:220], 0.63)  # −305 HU
    chest.maps.dense[5:9, 100:140, 219:220] = 255
    lesions = chest.segment(shipped).lesions
    assert (lesions[6:8, 105:135, 205:219] == LesionLabel.GROUND_GLASS).all()
    assert not (lesions == LesionLabel.CONSOLIDATION).any()


def test_fat_beside_a_lung_is_no_consolidation(chest: Chest, shipped: Bundle) -> None:
    """The network takes it for lung, and for disease of it."""
    chest.ill(np.s_[5:9, 100:130, 150:170], 0.767)  # −100 HU
    assert not chest.segment(shipped).lesions[5:9, 103:127, 153:167].any()


def test_airless_lung_beside_a_consolidation_belongs_to_it(chest: Chest, shipped: Bundle) -> None:
    """The network is in doubt at the border; three pixels are 4 mm."""
    airless = np.s_[5:9, 100:130, 180:200]
    chest.patches[:, 0][airless] = SOFT
    chest.maps.lesion[5:9, 103:127, 183:197] = 255
    chest.maps.dense[airless] = 255
    lesions = chest.segment(shipped).lesions
    assert (lesions[6:8, 102:128, 182:198] == LesionLabel.CONSOLIDATION).all()


def test_nothing_found_is_empty(shipped: Bundle) -> None:
    chest = Chest()
    chest.maps.right[:] = 0
    chest.maps.left[:] = 0
    regions = chest.segment(shipped)
    assert not regions.lungs.any()
    assert not regions.lesions.any()


def test_what_is_outlined_counts_where_it_is_sure_and_is_possible_where_it_nearly_is(
    chest: Chest, shipped: Bundle
) -> None:
    """A faint border belongs to its core; what has none is possible, or nothing at all."""
    for rows, columns in ((80, 60), (120, 60), (120, 170)):
        chest.ill((slice(6, 12), slice(rows, rows + 20), slice(columns, columns + 20)), sure=60)
    chest.maps.lesion[6:12, 88:92, 68:72] = 250
    chest.maps.lesion[6:12, 128:132, 68:72] = 150
    model = replace(silent_model(shipped), lesion_threshold=0.2, lesion_peak=0.9, possible_peak=0.5)
    fit = fit_of(chest.volume, shipped.grid)
    regions = segment(chest.maps, chest.patches, chest.volume, fit, model).regions
    assert regions.possible is not None
    assert regions.lesions[8, 82, 62] == LesionLabel.GROUND_GLASS
    assert not regions.lesions[:, 110:].any()
    # The first and the last slice are weighed with one that has nothing.
    assert np.argwhere(regions.possible).min(axis=0).tolist() == [7, 120, 60]
    assert np.argwhere(regions.possible).max(axis=0).tolist() == [10, 139, 79]


def test_with_one_threshold_all_counts_and_nothing_is_possible(
    chest: Chest, shipped: Bundle
) -> None:
    chest.ill(np.s_[6:12, 80:100, 60:80], sure=200)
    regions = chest.segment(shipped)
    assert regions.lesions.any()
    assert regions.possible is None


def test_density_decides_where_the_network_errs(chest: Chest, shipped: Bundle) -> None:
    """What is as dense as muscle is no ground glass, what is as light as lung is no opacity."""
    chest.ill(np.s_[5:9, 100:120, 60:80], SOFT)
    chest.ill(np.s_[5:9, 140:160, 60:80], HAZE)
    chest.maps.dense[5:9, 140:160, 60:80] = 255
    chest.ill(np.s_[5:9, 70:90, 170:190], LUNG)
    lesions = chest.segment(shipped).lesions
    assert (lesions[6, 102:118, 62:78] == LesionLabel.CONSOLIDATION).all()
    assert (lesions[6, 142:158, 62:78] == LesionLabel.GROUND_GLASS).all()
    assert not lesions[:, :, 160:].any()
