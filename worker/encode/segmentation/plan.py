"""Plans the segments of an object: their order, and the voxels of each.

BINARY segments may overlap: a lesion's voxels are those of its organ too. In a label map each
voxel has one number (PS3.3 C.8.20.2.3), so a lesion wins over a part of an organ, and the part over
the organ; labels and descriptions say so, and what is covered completely is no segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radiology.answer.tracking import Tracking
from radiology.codes import Code
from radiology.encoding_profile import SegmentScope
from radiology.region import LabelMap, Mask, Region
from worker.encode.derived_object import ResultContext
from worker.encode.recipes import SegmentationVariant
from worker.encode.region_masks import count_labels


@dataclass(frozen=True)
class PlannedSegment:
    """One segment of an object.

    Attributes
    ----------
    number : Segment Number (0062,0004)
    laterality : modifies the type of anatomy; None where the type has a side, and for lesions
    anatomy : that a lesion lies in
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
    anatomy: Code | None
    tracking: Tracking | None
    layer: LabelMap
    value: int
    areas: NDArray[np.int64]

    def mask(self, index: int) -> Mask:
        """The pixels of the segment on one slice."""
        mask: Mask = self.layer[index] == np.uint8(self.value)
        return mask


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
    """Organs, then the parts of them that have a border that one can see."""
    if scope is SegmentScope.LESIONS:
        return []
    anatomy = [one for one in context.reading.regions if not one.is_finding and one.bounded]
    wholes = [one for one in anatomy if not one.part_of]
    parts = [one for one in anatomy if one.part_of] if scope is SegmentScope.ALL else []
    return [_of_region(context, one) for one in (*wholes, *parts)]


def _of_region(context: ResultContext, region: Region) -> PlannedSegment:
    if region.labels is None or len(region.values) != 1:
        layer = np.stack([region.mask(index) for index in range(context.volume.shape[0])])
        labels, value = layer.view(np.uint8), 1
    else:
        labels, value = region.labels, region.values[0]
    return PlannedSegment(
        0,
        region.name,
        "",
        region.category,
        region.kind,
        region.laterality,
        region.colour,
        None,
        None,
        labels,
        value,
        context.masks.areas((region.name,)),
    )


def _lesions(context: ResultContext) -> list[PlannedSegment]:
    """The largest lesions one by one, then what is left of each class."""
    tracked = context.lesions.largest(
        context.most_tracked_lesions, voxel_ml=context.volume.voxel_ml
    )
    classes = context.masks.finding_layer.regions
    first = max(classes, default=0) + 1
    values = {lesion.part: first + place for place, lesion in enumerate(tracked)}
    layer = context.lesions.relabelled(context.masks.finding_layer.labels, values)
    counted = count_labels(layer, first + len(tracked))
    whole = {lesion.kind for lesion in tracked}
    named = [
        (lesion.kind, context.lesion_tracking(lesion), values[lesion.part]) for lesion in tracked
    ]
    for kind, region in classes.items():
        label = f"{region.name}, other" if kind in whole else region.name
        named.append((kind, Tracking(label, context.tracking_uid(label)), kind))
    return [
        PlannedSegment(
            0,
            tracking.identifier,
            "",
            classes[kind].category,
            classes[kind].kind,
            None,
            classes[kind].colour,
            None if (site := classes[kind].site) is None else site.anatomy,
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
    description = f"A voxel has one label: {precedence(context)}"
    seen = [
        replace(
            covered,
            label=covered.label if covered.tracking else f"{covered.label}{_WITHOUT}",
            description="" if covered.tracking else description,
            layer=made,
            value=covered.number,
            areas=counted[:, covered.number],
        )
        for covered in planned
    ]
    return _numbered(seen)


_WITHOUT = ", without lesions"


def precedence(context: ResultContext) -> str:
    """Which label a voxel has that several segments cover: "lesion before lobe before lung"."""
    anatomy = [singular for singular, _ in context.reading.report.anatomy]
    return " before ".join(["lesion", *reversed(anatomy)])


def labelled_frames(
    segments: Sequence[PlannedSegment], indices: Sequence[int]
) -> Iterator[LabelMap]:
    """The frames of a label map, one for each slice that is asked for."""
    lookup = np.zeros(256, np.uint8)
    for segment in segments:
        lookup[segment.value] = segment.number
    for index in indices:
        yield lookup[segments[0].layer[index]]
