"""The study that a result is about, as its instances describe it.

Patient and Study modules: PS3.3 C.7.1 and C.7.2. Place of a slice: PS3.3 C.7.6.2 (Image Plane) in
single-frame CT, C.7.6.16.2 (Plane Position, Plane Orientation and Pixel Measures functional
groups) in Enhanced CT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from pydicom import DataElement, Dataset

from radiology.errors import GeometryMissing
from radiology.identity import derived_uid
from radiology.image.series import Cosines, FrameHeader, Position
from radiology.image.volume import SourceFrame, Volume
from worker.encode.patient_and_study import elements, patient_and_study
from worker.series.frame_headers import frame_headers, text, whole


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """Where one slice of the volume came from.

    `frame_number` counts from 1; it is None for single-frame instances. `image_number` is what a
    viewer shows: frame number or Instance Number.
    """

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None
    image_number: int | None
    position_mm: Position

    @property
    def frame_numbers(self) -> list[int] | None:
        """As references want it: a list, or nothing for a single-frame instance."""
        return None if self.frame_number is None else [self.frame_number]


@dataclass(frozen=True)
class SourceStudy:
    """What the result objects take over from the source.

    Attributes
    ----------
    patient_and_study : elements of the Patient and Study modules, untouched
    slices : one per slice of the volume, in its order
    orientation : direction cosines of row and column, common to all slices
    pixel_spacing_mm : between rows, between columns
    slice_thickness_mm : Slice Thickness, which may be empty (type 2), or the slice distance
    frame_of_reference_uid : that of the source; where its slices have none in common, one that
        follows from the series: they form one stack, and what is placed by them lies in a space
        that they share, although they do not name it
    scanner_header : the first instance, for its equipment
    """

    patient_and_study: tuple[DataElement, ...]
    slices: tuple[SourceSlice, ...]
    orientation: Cosines
    pixel_spacing_mm: tuple[float, float]
    slice_thickness_mm: float
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    position_reference_indicator: str
    timezone_offset: str | None
    lossy: tuple[DataElement, ...]
    scanner_header: Dataset

    @classmethod
    def from_headers(cls, headers: Sequence[Dataset], volume: Volume) -> SourceStudy:
        """Read what is needed from the instances of a volume.

        Raises
        ------
        GeometryMissing
            The source does not say where its slices lie.
        KeyError
            `volume.frames` names an instance that is not among `headers`.
        """
        by_uid = {str(header.SOPInstanceUID): header for header in headers}
        frames = {
            SourceFrame(uid, frame.frame_number): frame
            for uid, header in by_uid.items()
            for frame in frame_headers(header)
        }
        first, plane = by_uid[volume.frames[0].sop_instance_uid], frames[volume.frames[0]]
        frame_of_reference_uid = _common_frame_of_reference(headers)
        if plane.image_orientation_patient is None or plane.pixel_spacing is None:
            raise GeometryMissing()
        return cls(
            patient_and_study=patient_and_study(first),
            slices=tuple(_slice(by_uid, frames, frame) for frame in volume.frames),
            orientation=plane.image_orientation_patient,
            pixel_spacing_mm=plane.pixel_spacing,
            slice_thickness_mm=plane.slice_thickness or volume.spacing_mm[0],
            study_instance_uid=str(first.StudyInstanceUID),
            series_instance_uid=str(first.SeriesInstanceUID),
            frame_of_reference_uid=frame_of_reference_uid
            or derived_uid("frame of reference", str(first.SeriesInstanceUID)),
            # What it says it says of the source's own frame of reference (PS3.3 C.7.4.1.1.2).
            position_reference_indicator=text(first, "PositionReferenceIndicator")
            if frame_of_reference_uid
            else "",
            timezone_offset=timezone_offset(first),
            lossy=elements(first, _LOSSY),
            scanner_header=first,
        )

    @property
    def body_part(self) -> str:
        """Body Part Examined (0018,0015) of the source; empty where it has none that is a CS."""
        stated = text(self.scanner_header, "BodyPartExamined").upper()
        return stated if _CODE_STRING.fullmatch(stated) else ""

    @property
    def instances(self) -> tuple[SourceSlice, ...]:
        """The slices, but one only of each multi-frame instance."""
        return tuple({one.sop_instance_uid: one for one in reversed(self.slices)}.values())[::-1]

    def scanner(self, purpose: Dataset) -> Dataset | None:
        """The scanner as contributing equipment (PS3.3 C.12.1.1.5); None when it has no maker.

        Parameters
        ----------
        purpose : item for the Purpose of Reference Code Sequence
        """
        found = elements(self.scanner_header, _SCANNER)
        if not text(self.scanner_header, "Manufacturer"):
            return None
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = [purpose]
        item.update({element.tag: deepcopy(element) for element in found})
        return item


def _common_frame_of_reference(headers: Sequence[Dataset]) -> str:
    """What every instance states; empty where they state several, or none."""
    stated = {text(header, "FrameOfReferenceUID") for header in headers}
    return stated.pop() if len(stated) == 1 else ""


def _slice(
    by_uid: Mapping[str, Dataset], frames: Mapping[SourceFrame, FrameHeader], frame: SourceFrame
) -> SourceSlice:
    header = by_uid[frame.sop_instance_uid]
    position = frames[frame].image_position_patient
    if position is None:
        raise GeometryMissing(keyword="ImagePositionPatient")
    return SourceSlice(
        sop_class_uid=str(header.SOPClassUID),
        sop_instance_uid=frame.sop_instance_uid,
        frame_number=frame.frame_number,
        image_number=frame.frame_number or whole(header, "InstanceNumber"),
        position_mm=position,
    )


def timezone_offset(header: Dataset) -> str | None:
    """Timezone Offset From UTC (0008,0201) if it has the form that PS3.3 C.12.1.1.8 asks for."""
    value = text(header, "TimezoneOffsetFromUTC")
    well_formed = len(value) == 5 and value[0] in "+-" and value[1:].isdigit()
    return value if well_formed else None


_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # PS3.5 Section 6.2

_SCANNER = (
    "Manufacturer",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "InstitutionalDepartmentName",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
)

_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
