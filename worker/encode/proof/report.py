"""Proves a report against its source and the masks: references, outlines and points.

PS3.3 C.18.6.1.2 (coordinates of an SCOORD), C.18.4 (image references), PS3.16 TID 1410, 1411 and
1501 (measurement groups).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SegmentationStorage
from scipy import ndimage

from radiology.errors import ResultMismatch
from radiology.image.volume import SourceFrame
from radiology.region import Mask
from worker.encode.derived_object import ResultContext
from worker.encode.proof.meaning import Coded, ReadingMasks
from worker.encode.proof.source import ProvedSource
from worker.series.frame_headers import code_text, items, numbers, text, whole

_MEASUREMENT_GROUP = "125007"
_FINDING = "121071"
_FINDING_SITE = "363698007"
_TRACKING_IDENTIFIER = "112039"
_LATERALITY = "272741003"
_LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"  # PS3.4 Table B.5-1
_SEGMENTATIONS = frozenset({SegmentationStorage, _LABEL_MAP_SEGMENTATION})

# Outlines have fewer points than the edge of a mask, but each point lies on it; so area may differ,
# and place may not.
_MOST_OFF_AREA = 1 / 3
_MOST_OFF_AREA_PX = 8.0

Points = NDArray[np.float64]


def check_report(
    read: Dataset,
    context: ResultContext,
    source: ProvedSource,
    segmentations: Mapping[str, Dataset],
) -> None:
    """Compare what a report points at with the reading.

    Parameters
    ----------
    segmentations : of the same result, read back, by SOP Instance UID

    Raises
    ------
    ResultMismatch
        A reader would be led to another place, or to an object that is not there.
    """
    check_references(read, source, segmentations)
    masks = ReadingMasks(context.reading.regions, context.volume.shape)
    unbounded = {
        one.name: [name for name in one.anchor.regions if name in masks.findings]
        for one in context.reading.groups
        if one.anchor and not one.anchor.within
    }
    for group in _groups(read):
        for drawn in _drawings(group, masks, unbounded):
            _check_drawing(drawn, _place_of(drawn, source), masks)


def check_references(
    read: Dataset, source: ProvedSource, segmentations: Mapping[str, Dataset]
) -> None:
    """Check that every instance that is named is of the source, or made with the result.

    What a report lists as other evidence, an earlier study for example, may be named too.

    Raises
    ------
    ResultMismatch
        Something else is named, or a segment that the segmentation does not have.
    """
    known = source.instances | segmentations.keys()
    for evidence in items(read, "CurrentRequestedProcedureEvidenceSequence"):
        if text(evidence, "StudyInstanceUID") != source.study_instance_uid:
            raise ResultMismatch("The evidence is of another study")
        _check_known(_referenced(evidence), known)
    other = {
        text(reference, "ReferencedSOPInstanceUID")
        for evidence in items(read, "PertinentOtherEvidenceSequence")
        for reference in _referenced(evidence)
    }
    tree = [one for item in items(read, "ContentSequence") for one in _referenced(item)]
    plain = [*items(read, "SourceImageSequence"), *items(read, "SourceInstanceSequence")]
    _check_known([*tree, *plain], known | other)
    for reference in tree:
        if text(reference, "ReferencedSOPClassUID") in _SEGMENTATIONS:
            _check_segments(reference, segmentations)


def _check_known(references: list[Dataset], known: frozenset[str] | set[str]) -> None:
    for reference in references:
        if text(reference, "ReferencedSOPInstanceUID") not in known:
            raise ResultMismatch("An instance is named that is not of the source")


def _check_segments(reference: Dataset, segmentations: Mapping[str, Dataset]) -> None:
    segmentation = segmentations[text(reference, "ReferencedSOPInstanceUID")]
    there = {int(item.SegmentNumber) for item in segmentation.SegmentSequence}
    if not {int(one) for one in numbers(reference, "ReferencedSegmentNumber")} <= there:
        raise ResultMismatch("A segment is named that the segmentation does not have")


def _referenced(item: Dataset) -> list[Dataset]:
    """The referenced instances in a data set, at any depth."""
    return [
        reference
        for element in item.iterall()
        if element.keyword == "ReferencedSOPSequence"
        for reference in element.value
    ]


# --- Drawings -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Drawing:
    """An SCOORD with the image that it is drawn on, and what its group says that it shows."""

    points: Points
    kind: str
    image: Dataset
    regions: list[str]
    within: list[str]


def _groups(read: Dataset) -> Iterator[Dataset]:
    for element in read.iterall():
        if element.keyword == "ContentSequence":
            for item in element.value:
                if code_text(item, "ConceptNameCodeSequence") == _MEASUREMENT_GROUP:
                    yield item


def _drawings(
    group: Dataset, masks: ReadingMasks, unbounded: Mapping[str, list[str]]
) -> Iterator[_Drawing]:
    """Every drawing of a group.

    Parameters
    ----------
    unbounded : by the names of groups whose regions are outlined as they are, those of findings:
        the site of a finding need not hold its voxels, where each voxel has one class, and its
        regions may each have a code of their own
    """
    regions, within = masks.of_group(*_finding_and_sites(group))
    name = _tracking_identifier(group)
    if name in unbounded:
        regions, within = unbounded[name] or regions, []
    for element in group.iterall():
        if element.keyword != "ContentSequence":
            continue
        for item in element.value:
            if text(item, "ValueType") != "SCOORD":
                continue
            points = np.array(numbers(item, "GraphicData")).reshape(-1, 2)
            images = [one for child in items(item, "ContentSequence") for one in _referenced(child)]
            if len(points) == 0 or len(images) != 1:
                raise ResultMismatch("A drawing has no points or no image")
            yield _Drawing(points, text(item, "GraphicType"), images[0], regions, within)


def _finding_and_sites(group: Dataset) -> tuple[str, list[Coded]]:
    """What the finding of a group is, and where it lies."""
    finding = ""
    sites: list[Coded] = []
    for item in items(group, "ContentSequence"):
        name = code_text(item, "ConceptNameCodeSequence")
        if name == _FINDING:
            finding = code_text(item, "ConceptCodeSequence")
        elif name == _FINDING_SITE:
            sites.append((code_text(item, "ConceptCodeSequence"), _side(item)))
    return finding, sites


def _tracking_identifier(group: Dataset) -> str:
    for item in items(group, "ContentSequence"):
        if code_text(item, "ConceptNameCodeSequence") == _TRACKING_IDENTIFIER:
            return text(item, "TextValue")
    return ""


def _side(site: Dataset) -> str:
    for modifier in items(site, "ContentSequence"):
        if code_text(modifier, "ConceptNameCodeSequence") == _LATERALITY:
            return code_text(modifier, "ConceptCodeSequence")
    return ""


def _place_of(drawn: _Drawing, source: ProvedSource) -> int:
    frame = SourceFrame(
        text(drawn.image, "ReferencedSOPInstanceUID"), whole(drawn.image, "ReferencedFrameNumber")
    )
    if frame not in source.slices:
        raise ResultMismatch("A drawing is not on a slice that was read")
    return source.slices[frame]


def _check_drawing(drawn: _Drawing, index: int, masks: ReadingMasks) -> None:
    rows, columns = masks.shape[1:]
    if (drawn.points < 0).any() or (drawn.points > (columns, rows)).any():
        raise ResultMismatch("A drawing leaves the picture", slice=index)
    if drawn.kind == "POINT":
        _check_point(drawn.points[0], index, masks)
    elif drawn.kind == "POLYLINE" and drawn.regions:
        _check_outline(drawn, index, masks)


def _check_point(point: Points, index: int, masks: ReadingMasks) -> None:
    column, row = np.floor(point).astype(int).tolist()
    there = masks.mask(masks.wholes or masks.findings, index)
    if row >= there.shape[0] or column >= there.shape[1] or not there[row, column]:
        raise ResultMismatch("A point does not lie in what was segmented", slice=index)


def _check_outline(drawn: _Drawing, index: int, masks: ReadingMasks) -> None:
    """Every point on the edge of the mask, and the area that of the region it goes around."""
    mask = masks.mask(drawn.regions, index)
    if drawn.within:
        mask &= masks.mask(drawn.within, index)
    inside = [_pixel_inside(point, mask) for point in drawn.points]
    if any(one is None for one in inside):
        raise ResultMismatch(
            "An outline is not on the edge of its region",
            slice=index,
            region=", ".join(drawn.regions),
            points_off=sum(one is None for one in inside),
        )
    labels, _ = ndimage.label(mask)
    row, column = inside[0] or (0, 0)
    region = ndimage.binary_fill_holes(labels == labels[row, column])
    needed, seen = float(np.count_nonzero(region)), _area(drawn.points)
    if abs(seen - needed) > max(_MOST_OFF_AREA * needed, _MOST_OFF_AREA_PX):
        raise ResultMismatch(
            "An outline has another area than its region",
            slice=index,
            region=", ".join(drawn.regions),
            seen=round(seen, 1),
            needed=needed,
        )


def _pixel_inside(point: Points, mask: Mask) -> tuple[int, int] | None:
    """A pixel of the mask beside a point on its edge; None where there is no edge."""
    column, row = (float(one) for one in point - 0.5)  # where the centres of pixels are whole
    near = [
        (r, c)
        for r in {int(np.floor(row)), int(np.ceil(row))}
        for c in {int(np.floor(column)), int(np.ceil(column))}
    ]
    rows, columns = mask.shape
    held = [0 <= r < rows and 0 <= c < columns and bool(mask[r, c]) for r, c in near]
    if all(held) or not any(held):
        return None
    return near[held.index(True)]


def _area(points: Points) -> float:
    """The area within a closed polygon, by Gauss's formula, in pixels."""
    x, y = points[:-1, 0], points[:-1, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
