"""The frames of a single-frame or multi-frame data set, in the same form.

A multi-frame CT keeps what a single-frame one has at the top in functional groups, shared by all
frames or per frame (PS3.3 C.7.6.16); a group stands in one of the two, never in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicom_node.library_faults import PYDICOM_FAULTS
from radiology.image.series import Cosines, FrameHeader, Position
from worker.series.figure_fault import figure_fault

HEADER_ERRORS = PYDICOM_FAULTS
"""What pydicom raises for a value that is not what its VR says."""

_PLACES: tuple[tuple[str, str], ...] = (
    # keyword, functional group macro that holds it; PS3.3 C.7.6.16.2 and C.8.15.3
    ("ImagePositionPatient", "PlanePositionSequence"),
    ("ImageOrientationPatient", "PlaneOrientationSequence"),
    ("PixelSpacing", "PixelMeasuresSequence"),
    ("SliceThickness", "PixelMeasuresSequence"),
    ("SpacingBetweenSlices", "PixelMeasuresSequence"),
    ("RescaleSlope", "PixelValueTransformationSequence"),
    ("RescaleIntercept", "PixelValueTransformationSequence"),
    ("RescaleType", "PixelValueTransformationSequence"),
    ("FrameType", "CTImageFrameTypeSequence"),
    # Where a converter puts what it found no macro for (PS3.3 C.7.6.16.2.25 and 2.26)
    ("ConvolutionKernel", "UnassignedSharedConvertedAttributesSequence"),
    ("ConvolutionKernel", "UnassignedPerFrameConvertedAttributesSequence"),
    ("ConvolutionKernel", "CTReconstructionSequence"),
)


_NEEDED = {
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "RescaleSlope": 1,
    "RescaleIntercept": 1,
}
"""Figures without which a frame cannot be measured, and how many values each has."""


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as text without padding; empty when absent or not readable."""
    values = texts(dataset, keyword)
    return values[0] if values else ""


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """All values as text without padding; none when absent or not readable."""
    return tuple(str(value).strip(" \0") for value in _values(dataset, keyword))


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value as a finite number; None when absent or not readable."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def whole(dataset: Dataset, keyword: str) -> int | None:
    """The first value as a whole number; None when absent or not readable."""
    found = number(dataset, keyword)
    return int(found) if found is not None else None


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """All values as finite numbers; none at all when one of them is not a finite number."""
    try:
        found = tuple(float(value) for value in _values(dataset, keyword))
    except HEADER_ERRORS:
        return ()
    return found if all(math.isfinite(value) for value in found) else ()


def code_text(dataset: Dataset, keyword: str) -> str:
    """Code Value of the first item of a code sequence (PS3.3 8.1); empty when there is none."""
    return next((text(item, "CodeValue") for item in items(dataset, keyword)), "")


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none when absent or not readable."""
    try:
        value = dataset.get(keyword)
    except HEADER_ERRORS:
        return ()
    return value if isinstance(value, Items) else ()


def _values(dataset: Dataset, keyword: str) -> Sequence[Any]:
    try:
        value = dataset.get(keyword)
    except HEADER_ERRORS:
        return ()
    if value is None or isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, Sequence):
        return value
    return (value,)


def frame_headers(dataset: Dataset) -> tuple[FrameHeader, ...]:
    """The frames of an instance, in the order in which it stores them."""
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    if not per_frame:
        return (_frame_header(lambda keyword: dataset, None),)
    shared = next(iter(items(dataset, "SharedFunctionalGroupsSequence")), Dataset())
    common = _group_items(shared)
    return tuple(
        _frame_header(_finder(common | _group_items(frame), dataset), index)
        for index, frame in enumerate(per_frame, start=1)
    )


def _group_items(groups: Dataset) -> dict[str, Dataset]:
    """Keyword to the item that holds it, for the macros that `groups` has."""
    found: dict[str, Dataset] = {}
    for keyword, macro in _PLACES:
        for item in items(groups, macro):
            if keyword in item:
                found[keyword] = item
    return found


_NOTHING = Dataset()  # stands for each group that is not there: nothing writes to it


def _finder(holders: dict[str, Dataset], top: Dataset) -> Callable[[str], Dataset]:
    def find(keyword: str) -> Dataset:
        if keyword == "ImageType":
            return holders.get("FrameType", top)
        return holders.get(keyword, _NOTHING)

    return find


def _frame_header(where: Callable[[str], Dataset], frame_number: int | None) -> FrameHeader:
    """Build a header; `where` gives the data set that holds a keyword."""
    type_holder = where("ImageType")
    image_type = texts(type_holder, "FrameType") or texts(type_holder, "ImageType")
    return FrameHeader(
        frame_number=frame_number,
        image_position_patient=_position(where("ImagePositionPatient")),
        image_orientation_patient=_cosines(where("ImageOrientationPatient")),
        pixel_spacing=_pixel_spacing(where("PixelSpacing")),
        slice_thickness=number(where("SliceThickness"), "SliceThickness"),
        spacing_between_slices=number(where("SpacingBetweenSlices"), "SpacingBetweenSlices"),
        rescale_slope=number(where("RescaleSlope"), "RescaleSlope"),
        rescale_intercept=number(where("RescaleIntercept"), "RescaleIntercept"),
        rescale_type=text(where("RescaleType"), "RescaleType").upper(),
        image_type=tuple(value.upper() for value in image_type),
        convolution_kernel=text(where("ConvolutionKernel"), "ConvolutionKernel"),
        faults=tuple(
            fault
            for keyword, values in _NEEDED.items()
            if (fault := figure_fault(where(keyword), keyword, values))
        ),
    )


def _position(dataset: Dataset) -> Position | None:
    found = numbers(dataset, "ImagePositionPatient")
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def _cosines(dataset: Dataset) -> Cosines | None:
    found = numbers(dataset, "ImageOrientationPatient")
    if len(found) != 6:
        return None
    return (found[0], found[1], found[2], found[3], found[4], found[5])


def _pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    found = numbers(dataset, "PixelSpacing")
    return (found[0], found[1]) if len(found) == 2 else None
