"""Headers: the few attributes that selecting a series and decoding it need.

One shape for both kinds of CT object: an instance has frames, and a single-frame CT image
(PS3.3 A.3) is an instance with one. What a multi-frame object keeps in its functional groups
(PS3.3 C.7.6.16, C.8.15) and a single-frame one at the top is held per frame here.

Fields are named after the DICOM keyword. None or an empty text means: absent or not readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from radiology.sex import Sex

Position = tuple[float, float, float]
Cosines = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class FigureFault:
    """What is wrong with a figure that stands in a header and cannot be read.

    Attributes
    ----------
    seen : the attribute and what stands there, as far as that is digits or a VR
    reason : one sentence
    """

    seen: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One frame of an instance.

    Attributes
    ----------
    frame_number : counted from 1 (PS3.3 C.7.6.16.2.1); None for single-frame CT
    image_position_patient : mm, LPS, centre of the first voxel (PS3.3 C.7.6.2.1.1)
    image_orientation_patient : direction cosines of a row, then of a column
    pixel_spacing : mm, between rows, then between columns (PS3.3 10.7.1.3)
    slice_thickness, spacing_between_slices : mm
    rescale_type : empty stands for HU (PS3.3 C.11.1.1.2, C.8.2.1)
    image_type : Image Type, or the Frame Type of this frame
    faults : what is wrong with figures that are None although something stands there
    """

    frame_number: int | None
    image_position_patient: Position | None
    image_orientation_patient: Cosines | None
    pixel_spacing: tuple[float, float] | None
    slice_thickness: float | None
    spacing_between_slices: float | None
    rescale_slope: float | None
    rescale_intercept: float | None
    rescale_type: str
    image_type: tuple[str, ...]
    convolution_kernel: str
    faults: tuple[FigureFault, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One instance of a series; `frames` holds one entry for a single-frame CT.

    Attributes
    ----------
    number_of_frames : as Number of Frames states it (PS3.3 C.7.6.6); 1 where it is absent
    described_frames : of how many the header says where they lie; `frames` may hold fewer, since
        planning images are taken out of it
    concatenation_uid : what the parts of a concatenation have in common (PS3.3 C.7.6.16.2.2.4)
    concatenation_parts : how many parts there are at least, as this one says
    """

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    frame_of_reference_uid: str
    gantry_detector_tilt: float | None  # degrees, as the scanner states it; positions decide
    contrast_bolus_agent: str
    frames: tuple[FrameHeader, ...]
    number_of_frames: int = 1
    described_frames: int = 1
    concatenation_uid: str = ""
    concatenation_parts: int = 1


@dataclass(frozen=True)
class SeriesHeader:
    """All instances of one series that have arrived.

    Attributes
    ----------
    instances : in the order of their UIDs, so that the order of arrival leaves no trace
    anatomic_region : Code Value of Anatomic Region Sequence (PS3.3 10.5)
    protocol_name, series_description : free text, only ever matched against our own words;
        never shown and never logged, since anything may have been typed there
    patient_age_years : at the time of the study; None where no header says it
    patient_sex : None where no header says female or male (PS3.3 C.7.1.1, Patient's Sex)
    patient_position : how the patient lies in the scanner (PS3.3 C.7.3.1.1.2); empty where absent
    acquired_at : the images; None where no header says day and time. Two of them can only be
        compared when both have a time zone or both have none
    """

    study_instance_uid: str
    series_instance_uid: str
    modality: str
    body_part_examined: str
    anatomic_region: str
    protocol_name: str = field(repr=False)
    series_description: str = field(repr=False)
    instances: tuple[InstanceHeader, ...] = field(repr=False)
    patient_age_years: float | None = None
    patient_sex: Sex | None = None
    acquired_at: datetime | None = None
    patient_position: str = ""

    @property
    def frames(self) -> Iterator[tuple[InstanceHeader, FrameHeader]]:
        """Every frame with the instance that holds it."""
        for instance in self.instances:
            for frame in instance.frames:
                yield instance, frame

    @property
    def frame_count(self) -> int:
        """How many frames all instances hold together."""
        return sum(len(instance.frames) for instance in self.instances)

    @property
    def frames_of_reference(self) -> frozenset[str]:
        """Every Frame of Reference UID that an instance states; empty text where one does not."""
        return frozenset(one.frame_of_reference_uid for one in self.instances)

    @property
    def has_common_frame_of_reference(self) -> bool:
        """Whether all instances state the same one, so that objects of ours can lie in it."""
        return len(self.frames_of_reference) == 1 and "" not in self.frames_of_reference

    def without_image_type(self, word: str) -> SeriesHeader:
        """The same series less the frames whose image type has `word` among its values.

        Some scanners store the localizer in the series of the slices it planned.
        """
        kept = (
            replace(
                instance,
                frames=tuple(frame for frame in instance.frames if word not in frame.image_type),
            )
            for instance in self.instances
        )
        return replace(self, instances=tuple(instance for instance in kept if instance.frames))
