"""A strip of soft tissue inside a lung's outline is no consolidation; a thick one is."""

from __future__ import annotations

import numpy as np

from chest.lungs.rims import rims

PIXEL_MM = 1.4
AORTA = 20  # columns below it are soft tissue beside the lung


def _lung(depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A lung whose outline begins `depth` pixels inside the aorta; all soft in it is lesion."""
    hounsfield = np.full((3, 60, 60), -850.0, dtype=np.float32)
    hounsfield[:, :, :AORTA] = 40.0
    lung = np.zeros(hounsfield.shape, dtype=bool)
    lung[:, :, AORTA - depth :] = True
    return (hounsfield > -300.0) & lung, lung, hounsfield


def test_a_thin_strip_along_soft_tissue_is_a_rim() -> None:
    lesion, lung, hounsfield = _lung(3)
    assert np.array_equal(rims(lesion, lung, hounsfield, PIXEL_MM), lesion)


def test_a_thick_one_is_consolidation_up_to_its_edge() -> None:
    lesion, lung, hounsfield = _lung(7)
    assert not rims(lesion, lung, hounsfield, PIXEL_MM).any()


def test_a_strip_that_begins_at_a_consolidation_is_a_rim_beyond_it() -> None:
    """A core lends its name to what lies within 5 mm of it and no further."""
    lesion, lung, hounsfield = _lung(3)
    hounsfield[:, 20:30, AORTA : AORTA + 10] = 20.0
    lesion = (hounsfield > -300.0) & lung
    thin = rims(lesion, lung, hounsfield, PIXEL_MM)
    assert not thin[:, 20:30].any()
    assert thin[:, 40:, AORTA - 3 : AORTA].all()


def test_ground_glass_at_the_wall_stays() -> None:
    lesion, lung, hounsfield = _lung(0)
    lesion[:, :, AORTA : AORTA + 3] = True
    hounsfield[lesion] = -550.0
    assert not rims(lesion, lung, hounsfield, PIXEL_MM).any()
