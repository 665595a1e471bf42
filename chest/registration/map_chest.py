"""Reduces a volume that was read to the map by which it is compared with other studies."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from chest.values.chest_map import WHOLE, ChestMap, MappedLesion
from chest.values.figures import Side
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from chest.values.territory import Territories
from models.connected import parts
from radiology.image.blocks import joined_blocks
from radiology.image.volume import Volume
from radiology.region import box_around

BLOCK_MM = 3.0
"""About the size of a block; one voxel where voxels are larger."""

_MARGIN_MM = 12.0  # around the lungs: chest wall and diaphragm help to find the place
_MOST_LESIONS = np.iinfo(np.uint16).max
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0
_SIDES = {LungLabel.RIGHT: Side.RIGHT, LungLabel.LEFT: Side.LEFT}

Factors = tuple[int, int, int]


def map_chest(
    volume: Volume,
    regions: ChestRegions,
    territories: Territories | None,
    *,
    tracking_uid: Callable[[int], str],
) -> ChestMap | None:
    """Reduce a volume and its regions.

    Parameters
    ----------
    volume, regions, territories : on the same grid, in any orientation
    tracking_uid : of the lesion with a number; what a lesion is called that was never seen before

    Returns
    -------
    None where there is no lung.
    """
    box = _box(volume, regions)
    if box is None:
        return None
    factors = _factors(volume)
    lungs, lesions = regions.lungs[box], regions.lesions[box]
    hounsfield = volume.hounsfield[box]
    in_right = _counts(lungs == LungLabel.RIGHT, factors)
    in_left = _counts(lungs == LungLabel.LEFT, factors)
    in_lung = in_right + in_left
    in_lesion = _counts(lesions > 0, factors)
    sureness = None if regions.sureness is None else regions.sureness[box]
    numbers, found = _lesions(volume, lungs, lesions, hounsfield, sureness, tracking_uid, box)
    lung_hu = _means(hounsfield, in_lung, factors, within=lungs)
    voxels = int(np.prod(factors))
    other_hu = _means(hounsfield, np.full_like(in_lung, voxels), factors)
    side = np.where(in_right >= in_left, LungLabel.RIGHT, LungLabel.LEFT)
    return ChestMap(
        affine=_block_affine(volume, box, factors),
        hounsfield=np.where(in_lung > 0, lung_hu, other_hu).round().astype(np.int16),
        lungs=np.where(in_lung > 0, side, LungLabel.NONE).astype(np.uint8),
        lung_share=_share(in_lung, voxels),
        lesion_share=_share(in_lesion, voxels),
        lesion_hounsfield=_means(hounsfield, in_lesion, factors, within=lesions)
        .round()
        .astype(np.int16),
        lesion_numbers=_largest_lesion(numbers, factors),
        territories=(
            np.zeros(in_lung.shape, dtype=np.uint8)
            if territories is None
            else _commonest(territories.labels[box], territories.names, factors)
        ),
        names={} if territories is None else dict(territories.names),
        lesions=found,
    )


def _box(volume: Volume, regions: ChestRegions) -> tuple[slice, slice, slice] | None:
    """The lungs with a margin."""
    lungs = regions.box
    if lungs[0].stop == 0:
        return None
    pieces = []
    for part, spacing_mm in zip(lungs, volume.spacing_mm, strict=True):
        margin = round(_MARGIN_MM / spacing_mm)
        pieces.append(slice(max(part.start - margin, 0), part.stop + margin))
    return pieces[0], pieces[1], pieces[2]


def _factors(volume: Volume) -> Factors:
    slices, rows, columns = (max(1, round(BLOCK_MM / mm)) for mm in volume.spacing_mm)
    return slices, rows, columns


def _block_affine(
    volume: Volume, box: tuple[slice, slice, slice], factors: Factors
) -> NDArray[np.float64]:
    affine = volume.affine.copy()
    middle = [part.start + (factor - 1) / 2.0 for part, factor in zip(box, factors, strict=True)]
    affine[:3, 3] += affine[:3, :3] @ np.array(middle)
    affine[:3, :3] *= np.array(factors, dtype=np.float64)
    return affine


def _counts(mask: NDArray[np.bool_], factors: Factors) -> NDArray[np.int32]:
    """Voxels of a mask in each block; nothing lies beyond the end of the volume."""
    return joined_blocks(mask.view(np.uint8), factors, np.uint16, outside=0).astype(np.int32)


def _means(
    hounsfield: NDArray[np.float32],
    count: NDArray[np.int32],
    factors: Factors,
    *,
    within: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Mean of so many voxels of each block; air lies beyond the end of the volume."""
    beyond = _LOWEST_HU if within is None else 0.0
    sums = joined_blocks(hounsfield, factors, np.float32, within=within, outside=beyond)
    limited: NDArray[np.float32] = np.clip(
        sums / np.maximum(count, 1), _LOWEST_HU, _HIGHEST_HU
    ).astype(np.float32)
    return limited


def _share(count: NDArray[np.int32], voxels: int) -> NDArray[np.uint8]:
    share: NDArray[np.uint8] = np.rint(count * (WHOLE / voxels)).astype(np.uint8)
    return share


def _commonest(
    labels: NDArray[np.uint8], values: Iterable[int], factors: Factors
) -> NDArray[np.uint8]:
    """The label that most voxels of each block have; 0 only where none has any.

    Where two labels have the same number, every other block takes the second, so that neither
    gains.
    """
    shape = tuple(-(-size // factor) for size, factor in zip(labels.shape, factors, strict=True))
    found, most = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.int32)
    every_other = np.indices(shape, dtype=np.uint8).sum(axis=0) % 2 == 1
    for value in values:
        count = _counts(labels == value, factors)
        taken = (count > most) | ((count == most) & (count > 0) & every_other)
        found = np.where(taken, np.uint8(value), found)
        most = np.maximum(most, count)
    return found


def _lesions(
    volume: Volume,
    lungs: NDArray[np.uint8],
    lesions: NDArray[np.uint8],
    hounsfield: NDArray[np.float32],
    sureness: NDArray[np.uint8] | None,
    tracking_uid: Callable[[int], str],
    box: tuple[slice, slice, slice],
) -> tuple[NDArray[np.uint16], tuple[MappedLesion, ...]]:
    """Number connected lesions, the largest first, and measure each."""
    every = number_connected(lesions)
    at = np.nonzero(every)
    numbers = every[at]
    count = int(numbers.max(initial=0)) + 1
    voxels = np.bincount(numbers, minlength=count)
    solid = np.bincount(numbers[lesions[at] == LesionLabel.CONSOLIDATION], minlength=count)
    right = np.bincount(numbers[lungs[at] == LungLabel.RIGHT], minlength=count)
    attenuation = np.bincount(numbers, weights=hounsfield[at], minlength=count)
    sure = None
    if sureness is not None:
        sure = np.bincount(numbers, weights=sureness[at], minlength=count) / 255.0
    starts = [part.start for part in box]
    indices = np.stack(
        [
            np.bincount(numbers, weights=axis + start, minlength=count)
            for axis, start in zip(at, starts, strict=True)
        ],
        axis=1,
    )
    places = volume.positions_mm(indices / np.maximum(voxels, 1)[:, None])
    found = tuple(
        MappedLesion(
            number=number,
            tracking_uid=tracking_uid(number),
            volume_ml=int(voxels[number]) * volume.voxel_ml,
            ground_glass_ml=int(voxels[number] - solid[number]) * volume.voxel_ml,
            consolidation_ml=int(solid[number]) * volume.voxel_ml,
            mean_hu=float(attenuation[number] / voxels[number]),
            place_mm=(
                float(places[number, 0]),
                float(places[number, 1]),
                float(places[number, 2]),
            ),
            side=Side.RIGHT if 2 * right[number] >= voxels[number] else Side.LEFT,
            sureness=None if sure is None else float(sure[number] / voxels[number]),
        )
        for number in range(1, count)
    )
    return every, found


def number_connected(lesions: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Number the lesions, of whatever class, that do not touch: from 1, the largest first.

    Of two of equal size, that with the first voxel comes first, so the numbers are the same in
    every box that holds all lesions.
    """
    numbers = np.zeros(lesions.shape, dtype=np.uint16)
    box = box_around(lesions)
    if box is None:
        return numbers
    labels, sizes = parts(lesions[box] > 0, 26)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)][:_MOST_LESIONS]
    number_of = np.zeros(sizes.size, dtype=np.uint16)
    number_of[order] = np.arange(1, order.size + 1)
    numbers[box] = number_of[labels]
    return numbers


def _largest_lesion(numbers: NDArray[np.uint16], factors: Factors) -> NDArray[np.uint16]:
    """The smallest number above 0 in each block: lesions are numbered from the largest."""
    turned = np.negative(numbers)  # modulo 65536: the smaller the larger, and 0 stays 0
    largest = joined_blocks(turned, factors, np.uint16, join=np.maximum, outside=0)
    smallest: NDArray[np.uint16] = np.negative(largest)
    return smallest
