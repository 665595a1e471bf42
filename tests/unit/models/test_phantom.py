"""The shipped bundle finds painted pneumonia in a phantom chest, and none in a clear one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from models.bundle import Bundle
from models.onnx_session import NetworkSession
from models.read_study import read_study
from radiology.finding import Outcome, Side
from radiology.volume import Volume
from settings.environment import ExecutionProvider

SHAPE = (40, 256, 256)  # 6 × 1.4 × 1.4 mm
SPACING = (6.0, 1.4, 1.4)


@pytest.fixture(scope="module")
def session(shipped: Bundle) -> NetworkSession:
    return NetworkSession(shipped, provider=ExecutionProvider.CPU)


def _ellipsoid(centre: tuple[float, ...], radii: tuple[float, ...]) -> NDArray[np.bool_]:
    """Voxels within an ellipsoid; centre and radii in mm along slice, row and column."""
    axes = np.ogrid[tuple(slice(0, size) for size in SHAPE)]
    terms = [
        ((axis * step - middle) / radius) ** 2
        for axis, step, middle, radius in zip(axes, SPACING, centre, radii, strict=True)
    ]
    return np.asarray(np.add.reduce(np.broadcast_arrays(*terms)) < 1.0)


def _chest(
    lesions: list[tuple[tuple[float, ...], tuple[float, ...], float]],
) -> tuple[Volume, float]:
    """A body with two lungs, vessels and noise; and the painted lesions' volume in ml."""
    random = np.random.default_rng(5)
    hu = np.full(SHAPE, -1000.0, dtype=np.float32)
    hu[_ellipsoid((120, 180, 180), (600, 125, 165))] = 30.0
    lungs = _ellipsoid((120, 170, 105), (105, 85, 55)) | _ellipsoid((120, 170, 255), (105, 85, 55))
    hu[lungs] = -850.0
    vessels = ndimage.gaussian_filter(random.normal(size=SHAPE), (0.7, 1.2, 1.2))
    hu[lungs & (vessels > 3.2 * vessels.std())] = 0.0
    painted = np.zeros(SHAPE, dtype=bool)
    for centre, radii, density in lesions:
        part = _ellipsoid(centre, radii) & lungs
        hu[part] = density
        painted |= part
    seen = ndimage.gaussian_filter(hu, (0, 0.7, 0.7)) + random.normal(0, 20, SHAPE)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *SPACING, 1.0
    volume = Volume(seen.astype(np.float32), affine)
    return volume, float(painted.sum()) * volume.voxel_ml


def test_clear_phantom_is_not_suspected(shipped: Bundle, session: NetworkSession) -> None:
    volume, _ = _chest([])
    reading = read_study(volume, shipped, session)
    assert reading.outcome is Outcome.NO_FINDINGS


def test_painted_pneumonia_is_found_and_measured(shipped: Bundle, session: NetworkSession) -> None:
    """Ground glass at the back of the right lung, consolidation at the back of the left."""
    volume, truth_ml = _chest(
        [((90, 215, 105), (35, 30, 35), -550.0), ((100, 220, 262), (25, 22, 25), 10.0)]
    )
    reading = read_study(volume, shipped, session)
    assert reading.outcome is Outcome.FINDINGS
    total = reading.figures[Side.TOTAL]
    assert total.lesion_volume_ml == pytest.approx(truth_ml, rel=0.4)
    right, left = reading.figures[Side.RIGHT], reading.figures[Side.LEFT]
    assert right.ground_glass_ml > right.consolidation_ml
    assert left.consolidation_ml > left.ground_glass_ml
