"""Whole DICOM CTs without pneumonia, from the abdomen to the neck: what is no lesion anywhere.

A normal chest, and a patient with a lung tumour and an effusion on both sides: neither the domes
of the diaphragm nor the effusion nor the tumour is consolidation of a pneumonia.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.grey_levels import OUTSIDE_HU
from models.schema_2.preprocess import SquareFit
from radiology.image.volume import Volume
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.data.slices import GRID, UNKNOWN, SliceSet
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances

WITHOUT_PNEUMONIA: Final = ("lung-tumour-effusion", "normal-001")  # folders of data/ct
_STEP_MM = 3.0  # the distance of the slices of the drawn volumes


def read_without_pneumonia(data: Path) -> SliceSet:
    """Read the volumes; lungs are unknown, lesions are none in every slice."""
    parts = [(name, *_slices(read_volume(data / "ct" / name))) for name in WITHOUT_PNEUMONIA]
    hu = np.concatenate([middle for _, middle, _ in parts])
    return SliceSet(
        "without-pneumonia",
        hu,
        np.full(hu.shape, UNKNOWN, dtype=np.uint8),
        np.zeros(hu.shape, dtype=np.uint8),
        tuple(name for name, middle, _ in parts for _ in middle),
        true_hu=True,
        around=np.concatenate([around for _, _, around in parts]),
    )


def read_volume(folder: Path) -> Volume:
    """Decode the longest series of a folder, on canonical axes; raises as `decode_volume`."""
    found = read_instances(path for path in folder.rglob("*") if path.is_file())
    longest = max(group_series(found), key=lambda one: len(one.instances))
    paths = {one.instance.sop_instance_uid: one.path for one in found}
    canonical, _ = decode_volume(longest, paths).canonical()
    return canonical


def on_grid(volume: Volume) -> NDArray[np.float16]:
    """Slices of a canonical volume as the network sees them, in HU, shape (slices, 256, 256)."""
    _, rows, columns = volume.shape
    _, row_mm, column_mm = volume.spacing_mm
    fit = SquareFit.of((rows, columns), (row_mm, column_mm), GRID)
    clipped = np.clip(volume.hounsfield, WINDOW_LOW_HU, WINDOW_HIGH_HU)
    return np.stack([fit.to_square(one, OUTSIDE_HU).astype(np.float16) for one in clipped])


def neighbours(count: int, slice_mm: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the slice about 3 mm below each, and of the one above; the ends stand in."""
    step = max(round(_STEP_MM / slice_mm), 1)
    at = np.arange(count)
    return np.maximum(at - step, 0), np.minimum(at + step, count - 1)


def _slices(volume: Volume) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    hu = on_grid(volume)
    below, above = neighbours(len(hu), volume.spacing_mm[0])
    return hu, np.stack([hu[below], hu[above]], axis=1)
