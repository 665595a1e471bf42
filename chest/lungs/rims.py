"""Finds what is no consolidation but the rim of what lies beside the lungs: aorta, heart, wall.

Where the outline of a lung runs a little into soft tissue, the strip between looks as dense as a
consolidation. It is thin, and soft tissue goes on beyond it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.connected import Masks, in_plane_cross

_SOFT_ABOVE_HU = -300.0
_THIN_MM = 5.0


def rims(lesion: Masks, lung: Masks, hounsfield: NDArray[np.float32], pixel_mm: float) -> Masks:
    """The dense parts of lesions that lie within 5 mm of soft tissue beside a lung, slice by slice.

    What reaches deeper is consolidation, and so is the part of it that lies within 5 mm of that.

    Parameters
    ----------
    lesion, lung : shape (slices, rows, columns); lesions lie within lungs
    hounsfield : same shape, HU
    """
    thin = np.zeros_like(lesion)
    soft = hounsfield > _SOFT_ABOVE_HU
    dense = lesion & soft
    steps = max(round(_THIN_MM / pixel_mm), 1)
    for box in ndimage.find_objects(dense.view(np.uint8)):
        grown = (
            box[0],
            *(slice(max(part.start - steps, 0), part.stop + steps) for part in box[1:]),
        )
        beside = ndimage.binary_dilation(
            soft[grown] & ~lung[grown], in_plane_cross(), iterations=steps
        )
        here = dense[grown]
        core = here & ~beside
        # What hangs together with a core near by is its outer part; corners lie twice as far off.
        whole = ndimage.binary_dilation(core, in_plane_cross(), iterations=2 * steps, mask=here)
        thin[grown] |= here & ~whole
    return thin
