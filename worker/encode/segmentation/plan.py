"""Which segments an object has, in which order, and which voxels each of them covers.

BINARY segments may overlap: a lesion's voxels are lung too. In a label map each voxel has one
number (PS3.3 C.8.20.2.3), so a lesion wins over a lobe and a lobe over its lung; labels and
descriptions say so, and what is covered completely is no segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiology import codes
from radiology.chest.regions import LesionLabel
from radiology.codes import Code
from radiology.encoding_profile import SegmentScope
from radiology.region import LabelMap, Mask
from worker.encode.derived_object import ResultContext, Tracking
from worker.encode.recipes import SegmentationVariant
from worker.encode.segments import LOBES, SEGMENTS


@dataclass(frozen=True)
class PlannedSegment:
    """One segment of an object.

    Attributes
    ----------
    number : Segment Number (0062,0004)
    laterality : modifies the type of anatomy; None where the type has a side, and for lesions
    tracking : of a lesion
    layer, value : its voxels are those of `layer` that have this value
    areas : number of pixels on each slice
    """

    number: int
    label: str
    description: str
    category: Code
    kind: Code
    laterality: Code | None
    colour: tuple[int, int, int]
    tracking: Tracking | None
    layer: LabelMap
    value: int
    areas: NDArray[np.int64]

    def mask(self, index: int) -> Mask:
        """The pixels of the segment on one slice."""
        mask: Mask = self.layer[index] == np.uint8(self.value)
        return mask


def has_outlined_lesions(context: ResultContext) -> bool:
    """Whether there is a lesion voxel of a reading with findings: lungs alone are not sent."""
    return context.has_findings and context.has_lungs and bool(context.areas[:, :, 1:].sum() > 0)


def plan_segments(
    context: ResultContext, variant: SegmentationVariant
) -> tuple[PlannedSegment, ...]:
    """The segments of one variant, anatomy first, none of them empty."""
    planned = _numbered([*_anatomy(context, variant.scope), *_lesions(context)])
    return _painted(context, planned) if variant.form.is_labelmap else planned


def _numbered(segments: Sequence[PlannedSegment]) -> tuple[PlannedSegment, ...]:
    held = [one for one in segments if one.areas.any()]
    return tuple(replace(one, number=number) for number, one in enumerate(held, start=1))


def _anatomy(context: ResultContext, scope: SegmentScope) -> list[PlannedSegment]:
    """Lungs, and the lobes whose fissures were seen; zones have no border that one could see."""
    if scope is SegmentScope.LESIONS:
        return []
    lungs = [
        PlannedSegment(
            0,
            one.label,
            "",
            one.category,
            one.kind,
            one.laterality,
            one.colour,
            None,
            context.regions.lungs,
            int(one.name),
            one.areas(context.areas),
        )
        for one in SEGMENTS
        if not one.is_lesion
    ]
    divided = context.reading.divided
    if divided is None or scope is SegmentScope.LUNGS:
        return lungs
    values = {territory: value for value, territory in divided.names.items()}
    counted = _counted(divided.labels, max(divided.names, default=0) + 1)
    lobes = [
        PlannedSegment(
            0,
            one.label,
            "",
            codes.ANATOMICAL_STRUCTURE,
            one.kind,
            one.laterality,
            one.colour,
            None,
            divided.labels,
            values[one.territory],
            counted[:, values[one.territory]],
        )
        for one in LOBES
        if one.territory in values
    ]
    return [*lungs, *lobes]


def _lesions(context: ResultContext) -> list[PlannedSegment]:
    """The largest lesions one by one, then what is left of each class."""
    tracked = context.lesions.largest(
        context.most_tracked_lesions, voxel_ml=context.volume.voxel_ml
    )
    classes = {one.name: one for one in SEGMENTS if one.is_lesion}
    first = len(LesionLabel)
    values = {lesion.part: first + place for place, lesion in enumerate(tracked)}
    layer = context.lesions.relabelled(context.regions.lesions, values)
    counted = _counted(layer, first + len(tracked))
    whole = {lesion.kind for lesion in tracked}
    named = [
        (lesion.kind, context.lesion_tracking(lesion), values[lesion.part]) for lesion in tracked
    ]
    for kind, segment in classes.items():
        label = f"{segment.label}, other" if kind in whole else segment.label
        tracking = Tracking(label, context.tracking_uid(label))
        named.append((LesionLabel(kind), tracking, int(kind)))
    return [
        PlannedSegment(
            0,
            tracking.identifier,
            "",
            classes[kind].category,
            classes[kind].kind,
            None,
            classes[kind].colour,
            tracking,
            layer,
            value,
            counted[:, value],
        )
        for kind, tracking, value in named
    ]


def _painted(
    context: ResultContext, planned: Sequence[PlannedSegment]
) -> tuple[PlannedSegment, ...]:
    """The same segments in one layer, each voxel to the last of them that has it."""
    made = np.zeros(context.volume.shape, np.uint8)
    counted = np.zeros((len(made), len(planned) + 1), np.int64)
    for index, frame in enumerate(made):
        for segment in planned:
            if segment.areas[index]:
                frame[segment.mask(index)] = segment.number
        counted[index] = np.bincount(frame.ravel(), minlength=len(planned) + 1)
    seen = [
        replace(
            one,
            label=one.label if one.tracking else f"{one.label}{_WITHOUT}",
            description="" if one.tracking else _DESCRIPTION,
            layer=made,
            value=one.number,
            areas=counted[:, one.number],
        )
        for one in planned
    ]
    return _numbered(seen)


_WITHOUT = ", without lesions"
_DESCRIPTION = "A voxel has one label: lesion before lobe before lung"


def labelled_frames(
    segments: Sequence[PlannedSegment], indices: Sequence[int]
) -> Iterator[LabelMap]:
    """The frames of a label map, one for each slice that is asked for."""
    lookup = np.zeros(256, np.uint8)
    for one in segments:
        lookup[one.value] = one.number
    for index in indices:
        yield lookup[segments[0].layer[index]]


def _counted(layer: LabelMap, values: int) -> NDArray[np.int64]:
    """Number of pixels, shape (slices, values)."""
    counted = np.zeros((len(layer), values), np.int64)
    for index, labels in enumerate(layer):
        if labels.any():
            counted[index] = np.bincount(labels.ravel(), minlength=values)
    return counted
