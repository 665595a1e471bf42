"""Decodes a chosen series to a volume in Hounsfield units.

PS3.3 C.7.6.2 (place of a frame), C.11.1 (Modality LUT: rescale of each frame by its own slope and
intercept), C.7.5.1.1.2 (padding). `radiology.image.frame_stack` decides the order of the slices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from radiology.errors import PixelDataUndecodable, RescaleMissing, VolumeRefused
from radiology.image.frame_stack import FrameStack, PlacedFrame, stack_frames
from radiology.image.series import FrameHeader, SeriesHeader
from radiology.image.volume import FloatArray, SourceFrame, Volume
from worker.series.cut_short import frames_lost, slices_cut_short
from worker.series.pixels.frame_pixels import padding_range, read_pixels, stored_frames
from worker.series.pixels.stored_bits import Stored

OnProgress = Callable[[int, int], None]

AIR_HU = -1024.0
"""What padding and the corners outside the field of view become."""

OUTSIDE_FIELD_HU = -1500.0
"""Nothing measured lies below: air is -1000 HU and its noise with a sharp kernel some 100 HU.
Scanners write such values (-2000, -3024) for the corners outside the field of view."""

TISSUE_HU = (-1000.0, 3071.0)
"""Padding with a value in this range could be tissue, so it is left as it is."""

DENSEST_HU = 3071.0
"""The top of the scale of 12 bits. Only metal is denser, on scales that go further."""

MOST_METAL_SHARE = 0.05
"""Two metal hips fill 3 % of a slice through both; what fills more is no body (ours)."""

HOUNSFIELD_TYPES = frozenset({"", "HU", "HU_MOD", "US"})
"""Values of Rescale Type (PS3.3 C.11.1.1.2) that are taken for Hounsfield units; absent stands
for HU, and US for "unspecified", which software that rewrites CT images puts there.
An iodine map in mg/ml or an effective atomic number looks like a CT image and is none."""

MAX_VOXELS = 2_000_000_000
"""A volume of float32 past this would take 8 GB: no CT of a patient, or a header made to hurt."""


def decode_volume(
    series: SeriesHeader,
    paths: Mapping[str, Path],
    *,
    on_progress: OnProgress | None = None,
    decoded: Callable[[Path], FloatArray | None] | None = None,
) -> Volume:
    """Decode a series into Hounsfield units, each voxel at its place in the patient.

    Parameters
    ----------
    series : as `select_series` chose it
    paths : SOP Instance UID to file
    on_progress : called with slices decoded and slices in all
    decoded : gives the only frame of a file as `decode_frame` did before; None for one that has to
        be decoded

    Returns
    -------
    Volume with `frames` in the order of its slices. Voxels without data (Pixel Padding Value,
    corners outside the field of view) are `AIR_HU`. Frames that repeat a slice, pixel for pixel,
    are left out.

    Raises
    ------
    GeometryMissing, SpacingUneven, SliceMissing
        See `radiology.image.frame_stack.stack_frames`, which also gives spacing, gaps and tilt.
    RescaleMissing
        A frame does not say how its values become Hounsfield units.
    PixelDataUndecodable
        With the transfer syntax UID; or an image was cut short before it came, and filled up.
    VolumeRefused
        Two different images lie at the same position, the series is larger than we read, or its
        values are none that a body has.
    """
    stack = stack_frames(series)
    _refuse_unknown_units(stack)
    if int(np.prod(stack.shape, dtype=np.int64)) > MAX_VOXELS:
        raise VolumeRefused(
            "The series is larger than any CT of a patient", limit_voxels=MAX_VOXELS
        )
    hounsfield = np.empty(stack.shape, dtype=np.float32)
    wanted = [(stacked.source, index) for index, stacked in enumerate(stack.slices)]
    dense = 0
    frames = _frames_in_hounsfield(wanted, paths, decoded)
    for done, (index, values) in enumerate(frames, start=1):
        hounsfield[index] = values
        dense += _dense_voxels(values)
        if on_progress is not None:
            on_progress(done, len(wanted))
    _refuse_impossible(dense / hounsfield.size)
    _refuse_cut_short(stack, hounsfield)
    _refuse_differing_twins(stack, paths, hounsfield)
    return Volume(
        hounsfield=hounsfield,
        affine=stack.affine,
        frames=tuple(_source_frame(stacked.source) for stacked in stack.slices),
    )


def decode_frame(path: Path, frame: FrameHeader) -> FloatArray:
    """Decode one frame into Hounsfield units, on its own rows and columns.

    Parameters
    ----------
    path : of the instance that holds it

    Raises
    ------
    RescaleMissing, PixelDataUndecodable, VolumeRefused
        As for a volume.
    """
    dataset = read_pixels(path)
    ((_, stored),) = stored_frames(dataset, [frame.frame_number])
    hounsfield = _frame_in_hounsfield(frame, stored, dataset)
    _refuse_impossible(_dense_voxels(hounsfield) / hounsfield.size)
    return hounsfield


def stored_values_to_hounsfield(
    stored: Stored,
    *,
    rescale_slope: float,
    rescale_intercept: float,
    padding: tuple[int, int] | None = None,
) -> FloatArray:
    """Apply the linear modality LUT of a CT image; what is no measurement becomes air.

    PS3.3 C.11.1 (Modality LUT Module), C.7.5.1.1.2 (Pixel Padding Value).

    Parameters
    ----------
    stored : integers, shape (rows, columns)
        Stored values, sign already applied.
    rescale_slope : HU per stored unit
    rescale_intercept : HU
    padding : lowest and highest stored value that stand for "no data"

    Returns
    -------
    float32, shape (rows, columns), HU
        A new array; `stored` is not changed.
    """
    hounsfield: FloatArray = stored.astype(np.float32)
    hounsfield *= np.float32(rescale_slope)
    hounsfield += np.float32(rescale_intercept)
    if padding is not None:
        ends = [rescale_slope * end + rescale_intercept for end in padding]
        if max(ends) < TISSUE_HU[0] or min(ends) > TISSUE_HU[1]:
            hounsfield[(stored >= padding[0]) & (stored <= padding[1])] = AIR_HU
    if hounsfield.min() < OUTSIDE_FIELD_HU:
        hounsfield[hounsfield < OUTSIDE_FIELD_HU] = AIR_HU
    return hounsfield


def _frames_in_hounsfield(
    wanted: Sequence[tuple[PlacedFrame, int]],
    paths: Mapping[str, Path],
    decoded: Callable[[Path], FloatArray | None] | None = None,
) -> Iterator[tuple[int, FloatArray]]:
    """Slice index and HU of each wanted frame; each file is opened once, if at all."""
    by_instance: dict[str, dict[int | None, tuple[FrameHeader, int]]] = {}
    for placed, index in wanted:
        frames = by_instance.setdefault(placed.instance.sop_instance_uid, {})
        frames[placed.frame.frame_number] = (placed.frame, index)
    for sop_instance_uid, frames in by_instance.items():
        if decoded is not None and list(frames) == [None]:
            known = decoded(paths[sop_instance_uid])
            if known is not None:
                yield frames[None][1], known
                continue
        dataset = read_pixels(paths[sop_instance_uid])
        for frame_number, stored in stored_frames(dataset, list(frames)):
            frame, index = frames[frame_number]
            yield index, _frame_in_hounsfield(frame, stored, dataset)


def _frame_in_hounsfield(frame: FrameHeader, stored: Stored, dataset: FileDataset) -> FloatArray:
    if frame.rescale_slope is None or frame.rescale_intercept is None:
        raise RescaleMissing()
    return stored_values_to_hounsfield(
        stored,
        rescale_slope=frame.rescale_slope,
        rescale_intercept=frame.rescale_intercept,
        padding=padding_range(dataset, stored.dtype),
    )


def _dense_voxels(hounsfield: FloatArray) -> int:
    return int(np.count_nonzero(hounsfield > DENSEST_HU))


def _refuse_impossible(dense_share: float) -> None:
    """Whatever went wrong before: bits that are no value, a sign, a rescale of another image."""
    if dense_share > MOST_METAL_SHARE:
        raise VolumeRefused(
            "The values are none that a body has: too much is denser than bone",
            above_hu=DENSEST_HU,
            share_percent=round(100 * dense_share, 1),
            limit_percent=100 * MOST_METAL_SHARE,
        )


def _refuse_cut_short(stack: FrameStack, hounsfield: FloatArray) -> None:
    """What a system on the way filled up is not there, however whole the file is."""
    short = slices_cut_short(hounsfield)
    for frames in _frames_of_instances(stack):
        short += frames_lost(hounsfield, frames)
    if short:
        raise PixelDataUndecodable(
            "An image was cut short on its way to us, and what is missing filled up with one value",
            sop_instance_uid=stack.slices[short[0]].source.instance.sop_instance_uid,
            slices=len(set(short)),
        )


def _frames_of_instances(stack: FrameStack) -> Iterator[list[int]]:
    """The slices of each multi-frame instance, in the order in which it stores them."""
    numbers: dict[str, dict[int, int]] = {}
    for index, stacked in enumerate(stack.slices):
        number = stacked.source.frame.frame_number
        if number is not None:
            numbers.setdefault(stacked.source.instance.sop_instance_uid, {})[number] = index
    for found in numbers.values():
        yield [found[number] for number in sorted(found)]


def _refuse_unknown_units(stack: FrameStack) -> None:
    """Every frame must say how its values become Hounsfield units, and that they do."""
    for stacked in stack.slices:
        frame = stacked.source.frame
        if frame.rescale_slope is None or frame.rescale_intercept is None:
            raise RescaleMissing(sop_instance_uid=stacked.source.instance.sop_instance_uid)
        if frame.rescale_type not in HOUNSFIELD_TYPES:
            raise RescaleMissing(
                "The rescaled values are not Hounsfield units",
                sop_instance_uid=stacked.source.instance.sop_instance_uid,
            )


def _refuse_differing_twins(
    stack: FrameStack, paths: Mapping[str, Path], hounsfield: FloatArray
) -> None:
    """A slice stored twice is fine; two images that both claim a place are not."""
    twins = [(twin, index) for index, stacked in enumerate(stack.slices) for twin in stacked.twins]
    for index, values in _frames_in_hounsfield(twins, paths):
        if not np.array_equal(values, hounsfield[index]):
            raise VolumeRefused(
                "Two different images lie at the same position",
                positions=sum(bool(stacked.twins) for stacked in stack.slices),
            )


def _source_frame(placed: PlacedFrame) -> SourceFrame:
    return SourceFrame(
        sop_instance_uid=placed.instance.sop_instance_uid,
        frame_number=placed.frame.frame_number,
    )
