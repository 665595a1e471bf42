"""The figures are exact, and "not assessable" is never a kind of negative."""

from __future__ import annotations

import numpy as np
import pytest

from models.bundle import Bundle
from models.interpret import interpret, measure
from radiology.finding import Outcome, Side
from radiology.region import ChestRegions
from radiology.volume import Volume


def _volume(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    affine = np.diag([*spacing, 1.0])
    return Volume(np.full(shape, -850.0, dtype=np.float32), affine)


def _empty(shape: tuple[int, int, int]) -> ChestRegions:
    return ChestRegions(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_figures_are_exact_on_a_mask_made_by_hand() -> None:
    """Each voxel is 10 × 5 × 2 mm = 0.1 ml."""
    volume, regions = _volume((4, 10, 10), (10.0, 5.0, 2.0)), _empty((4, 10, 10))
    regions.lungs[:, :, :4] = 1  # right: 4 × 10 × 4 = 160 voxels
    regions.lungs[1:, :, 6:9] = 2  # left: 3 × 10 × 3 = 90 voxels
    regions.lesions[0, 0, :2] = 1
    regions.lesions[2, 0, :3] = 2
    regions.lesions[2, 5, 6] = 1
    volume.hounsfield[0, 0, :2] = -500.0
    volume.hounsfield[2, 0, :3] = 0.0
    volume.hounsfield[2, 5, 6] = -600.0
    figures = measure(volume, regions)
    right, left, total = figures[Side.RIGHT], figures[Side.LEFT], figures[Side.TOTAL]
    assert right.lung_volume_ml == pytest.approx(16.0)
    assert left.lung_volume_ml == pytest.approx(9.0)
    assert total.lung_volume_ml == pytest.approx(25.0)
    assert (right.ground_glass_ml, right.consolidation_ml) == pytest.approx((0.2, 0.3))
    assert (left.ground_glass_ml, left.consolidation_ml) == pytest.approx((0.1, 0.0))
    assert total.lesion_volume_ml == pytest.approx(0.6)
    assert total.lesion_share_percent == pytest.approx(2.4)
    assert right.lesion_mean_hu == pytest.approx(-200.0)
    assert left.lesion_mean_hu == pytest.approx(-600.0)
    assert total.lesion_mean_hu == pytest.approx((2 * -500 + 3 * 0 - 600) / 6)
    assert (right.slices_involved, left.slices_involved, total.slices_involved) == (2, 1, 2)


def test_no_lesion_has_no_mean_attenuation() -> None:
    volume, regions = _volume((2, 4, 4), (1.0, 1.0, 1.0)), _empty((2, 4, 4))
    regions.lungs[:] = 1
    total = measure(volume, regions)[Side.TOTAL]
    assert total.lesion_mean_hu is None
    assert total.lesion_share_percent == 0.0


def _chest(lesion_slices: int) -> tuple[Volume, ChestRegions]:
    """Two lungs of 2 l each in 20 slices, and a lesion of a tenth of the right one's slice."""
    shape = (24, 50, 50)
    volume, regions = _volume(shape, (10.0, 5.0, 5.0)), _empty(shape)
    regions.lungs[2:22, 5:45, 5:15] = 1
    regions.lungs[2:22, 5:45, 30:40] = 2
    regions.lesions[10 : 10 + lesion_slices, 5:15, 5:10] = 1
    regions.lesions[10 : 10 + min(lesion_slices, 1), 15:20, 5:10] = 1
    return volume, regions


def test_diseased_lungs_are_suspected_and_the_worst_slice_is_the_key_slice(
    shipped: Bundle,
) -> None:
    reading = interpret(*_chest(lesion_slices=8), shipped)
    assert reading.outcome is Outcome.FINDINGS
    assert reading.suspicion is not None
    assert reading.suspicion >= reading.suspicion_threshold
    assert reading.key_slice == 10
    assert reading.algorithm.bundle_digest == shipped.digest


def test_clear_lungs_have_no_findings_and_a_key_slice_all_the_same(shipped: Bundle) -> None:
    reading = interpret(*_chest(lesion_slices=0), shipped)
    assert reading.outcome is Outcome.NO_FINDINGS
    assert reading.suspicion is not None
    assert reading.suspicion < reading.suspicion_threshold
    assert reading.key_slice is not None
    assert not reading.failed_gates


def test_no_lungs_is_not_assessable(shipped: Bundle) -> None:
    shape = (24, 50, 50)
    reading = interpret(_volume(shape, (10.0, 5.0, 5.0)), _empty(shape), shipped)
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert reading.suspicion is None
    assert reading.regions is None
    assert reading.key_slice is None
    assert not reading.figures
    assert reading.failed_gates[0].name == "lungs found"
    assert reading.failed_gates[0].reason


def test_series_that_ends_in_the_lungs_is_not_assessable(shipped: Bundle) -> None:
    """Half the lungs are not a clear chest; what was measured is still given."""
    volume, regions = _chest(lesion_slices=0)
    cut = Volume(volume.hounsfield[:12], volume.affine)
    reading = interpret(cut, ChestRegions(regions.lungs[:12], regions.lesions[:12]), shipped)
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert [gate.name for gate in reading.failed_gates] == ["lungs covered"]
    assert reading.suspicion is None
    assert reading.figures[Side.TOTAL].lung_volume_ml > 0
