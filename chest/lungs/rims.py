"""Finds what is no consolidation but the rim of what lies beside the lungs: aorta, heart, wall.

Where the outline of a lung runs a little into soft tissue, the strip between looks as dense as a
consolidation. It is thin, and soft tissue goes on beyond it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.connected import Masks
from models.shifts import diamond, grown, grown_within
from radiology.region import box_around

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
    box = box_around(dense)
    if box is None:
        return thin
    slices, *across = box
    rows, columns = (slice(max(one.start - steps, 0), one.stop + steps) for one in across)
    around = slices, rows, columns
    beside = grown(soft[around] & ~lung[around], diamond(steps))
    here = dense[around]
    core = here & ~beside
    # What hangs together with a core near by is its outer part; corners lie twice as far off.
    thin[around] = here & ~grown_within(core, 2 * steps, here)
    return thin
