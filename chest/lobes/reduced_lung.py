"""One lung on a coarse grid: where a fissure could show, and the vessels that it parts.

A fissure is one voxel thick and a few dozen HU above the lung around it. What is brighter, less
even or at the edge (vessels, lesions, the wall) is left out, and what is left is measured against
its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.regions import ChestRegions, LungLabel
from radiology.image.blocks import joined_blocks
from radiology.image.volume import Volume

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

REDUCED_MM = 2.0  # a fissure is about as thick in a usual reconstruction (ours)
BACKGROUND_MM = 8.0  # wider than a fissure's blur, narrower than the change from front to back
SLICE_BACKGROUND_MM = 25.0  # breathing and heart beat make single slices brighter, part by part
VESSEL_HU = 90.0  # above the surroundings; fissures reach 30–60 HU on the reduced grid
LEAST_VOXELS = 4000  # of about 8 mm³: half of a lobe of a small child


@dataclass(frozen=True)
class ReducedLung:
    """One lung, cropped and averaged to about 2 mm.

    Arrays have the axes of the canonical volume: to the head, to the back, to the left.

    Attributes
    ----------
    texture : float32, HU above the surroundings; 0 where not `visible`
    visible : aerated lung between the vessels
    vessels : within aerated lung
    aerated : lung without lesions and without its outermost voxels
    lung : all of this lung, diseased or not
    spacing_mm : of the reduced grid
    first, step : voxel index on the volume of the first reduced voxel's centre, and of the next
    """

    texture: FloatArray
    visible: Mask
    vessels: Mask
    aerated: Mask
    lung: Mask
    spacing_mm: NDArray[np.float64]
    first: NDArray[np.float64]
    step: NDArray[np.int64]

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """Middle of the crop, from its first voxel."""
        middle: NDArray[np.float64] = (np.array(self.lung.shape) - 1) / 2.0 * self.spacing_mm
        return middle

    def voxels(self, axis: int) -> NDArray[np.float64]:
        """Index on the volume of each reduced voxel's centre along an axis."""
        places: NDArray[np.float64] = self.first[axis] + self.step[axis] * np.arange(
            self.lung.shape[axis]
        )
        return places

    def above(self, slice_heights: NDArray[np.float64], margin_mm: float) -> ReducedLung:
        """The part of this lung above a surface.

        Parameters
        ----------
        slice_heights : in slices of the volume, over the reduced rows and columns
        margin_mm : of the part so far above it, nothing is visible: what shows there is the
            fissure below
        """
        level = self.voxels(0)[:, None, None]
        part = level > slice_heights
        clear = level > slice_heights + margin_mm / self.spacing_mm[0] * self.step[0]
        return replace(
            self,
            texture=self.texture * clear,
            visible=self.visible & clear,
            vessels=self.vessels & clear,
            aerated=self.aerated & clear,
            lung=self.lung & part,
        )


def reduce_lung(volume: Volume, regions: ChestRegions, side: LungLabel) -> ReducedLung | None:
    """Crop a lung and average it to about 2 mm.

    Parameters
    ----------
    volume, regions : canonical, on the same grid

    Returns
    -------
    None where there is too little lung to find anything in.
    """
    step = np.maximum(1, np.rint(REDUCED_MM / np.array(volume.spacing_mm))).astype(np.int64)
    centres = tuple(slice(int(size) // 2, None, int(size)) for size in step)
    lung = regions.lungs[centres] == side
    box = ndimage.find_objects(lung.view(np.uint8))
    if not box or np.count_nonzero(lung) < LEAST_VOXELS:
        return None
    start = np.array([part.start for part in box[0]]) * step
    stop = np.minimum(np.array([part.stop for part in box[0]]) * step, volume.shape)
    shape = (stop - start) // step  # the last voxels of the volume may not fill a whole step
    window = tuple(slice(low, low + count) for low, count in zip(start // step, shape, strict=True))
    average = _block_means(volume.hounsfield, start, shape, step)
    lesions = regions.lesions[centres][window] > 0
    return _with_texture(
        average, lung[window], lesions, step * np.array(volume.spacing_mm), start, step
    )


def _block_means(
    voxels: FloatArray, start: NDArray[np.int64], shape: NDArray[np.int64], step: NDArray[np.int64]
) -> FloatArray:
    """Mean of each block of `step` voxels."""
    stop = start + shape * step
    slices, rows, columns = (slice(low, high) for low, high in zip(start, stop, strict=True))
    first, second, third = step.tolist()
    means: FloatArray = joined_blocks(
        voxels[slices, rows, columns], (first, second, third), np.float32
    )
    means /= np.float32(np.prod(step))
    return means


def _mean_around(values: FloatArray, inside: Mask, sigmas: list[float]) -> FloatArray:
    """Gaussian mean over the voxels inside only."""
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigmas, truncate=2.0)
    total = ndimage.gaussian_filter(np.where(inside, values, np.float32(0)), sigmas, truncate=2.0)
    mean: FloatArray = (total / np.maximum(weight, np.float32(1e-3))).astype(np.float32)
    return mean


def _with_texture(
    average: FloatArray,
    lung: Mask,
    lesions: Mask,
    spacing_mm: NDArray[np.float64],
    start: NDArray[np.int64],
    step: NDArray[np.int64],
) -> ReducedLung | None:
    """Tell vessels from the rest, and take the surroundings off."""
    aerated = ndimage.binary_erosion(lung) & ~ndimage.binary_dilation(lesions)
    if not aerated.any():
        return None
    middle = np.median(average[aerated])
    around = [BACKGROUND_MM / size for size in spacing_mm]
    bounded = np.clip(average, middle - 150.0, middle + 100.0)
    vessels = aerated & (average - _mean_around(bounded, aerated, around) > VESSEL_HU)
    visible = aerated & ~ndimage.binary_dilation(vessels)
    texture = average - _mean_around(average, visible, around)
    in_slice = [0.0, SLICE_BACKGROUND_MM / spacing_mm[1], SLICE_BACKGROUND_MM / spacing_mm[2]]
    texture -= _mean_around(texture, visible, in_slice)
    return ReducedLung(
        texture=np.where(visible, texture.clip(-VESSEL_HU, VESSEL_HU), np.float32(0)),
        visible=visible,
        vessels=vessels,
        aerated=aerated,
        lung=lung,
        spacing_mm=spacing_mm,
        first=start + (step - 1) / 2.0,
        step=step,
    )
