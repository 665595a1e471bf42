"""Reads series headers from spooled instances: the attributes that selection and decoding need.

PS3.3 A.3 (CT Image), A.38 (Enhanced CT), A.71 (Legacy Converted Enhanced CT). Pixel data is not
read. An attribute that is absent or cannot be read as what it should be becomes None or empty:
one odd value must not cost a study, and the rules of `select_series` see what is lacking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from dicom_node.library_faults import is_from_the_disk
from radiology.errors import DataSetUnreadable, PatientUnreadable
from radiology.image.series import InstanceHeader, SeriesHeader
from radiology.sex import Sex
from worker.patient.patient_identity import KEYWORDS as PATIENT_KEYWORDS
from worker.patient.patient_identity import PatientIdentity, patient_identity
from worker.series.acquired_at import KEYWORDS as ACQUIRED_AT_KEYWORDS
from worker.series.acquired_at import acquired_at
from worker.series.frame_headers import (
    HEADER_ERRORS,
    code_text,
    frame_headers,
    items,
    number,
    text,
    whole,
)
from worker.series.patient_age import patient_age_years

_KEYWORDS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "ImageType",
    *PATIENT_KEYWORDS,
    *ACQUIRED_AT_KEYWORDS,
    "BodyPartExamined",
    "PatientPosition",
    "AnatomicRegionSequence",
    "ProtocolName",
    "SeriesDescription",
    "ContrastBolusAgent",
    "ConvolutionKernel",
    "GantryDetectorTilt",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "ConcatenationUID",
    "InConcatenationNumber",
    "InConcatenationTotalNumber",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]

# PS3.3 C.7.1.1: the third value, O, stands for neither or for not known.
_SEXES = {"F": Sex.FEMALE, "M": Sex.MALE}

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ReadInstance:
    """The header of one file, with the series and the patient that it names.

    `patient` is the refusal where it cannot be read: a study can be, in nobody's name.
    """

    path: Path
    instance: InstanceHeader
    patient: PatientIdentity | PatientUnreadable
    series: SeriesHeader  # without instances


def read_series(
    paths: Iterable[Path], *, on_progress: OnProgress | None = None
) -> tuple[SeriesHeader, ...]:
    """Read the headers of spooled files and group them by Series Instance UID.

    Parameters
    ----------
    paths : DICOM files (PS3.10 Section 7), of any number of series, in any order
    on_progress : called with files read and files in all

    Returns
    -------
    In the order of their UIDs.

    Raises
    ------
    DataSetUnreadable
        A file is not a DICOM file, or has no SOP Instance UID or Series Instance UID.
    """
    return group_series(read_instances(paths, on_progress=on_progress))


def read_instances(
    paths: Iterable[Path], *, on_progress: OnProgress | None = None
) -> list[ReadInstance]:
    """Read the headers of spooled files, one by one.

    Raises
    ------
    DataSetUnreadable
        A file is not a DICOM file, or has no SOP Instance UID or Series Instance UID.
    """
    listed = list(paths)
    found: list[ReadInstance] = []
    for done, path in enumerate(listed, start=1):
        found.append(_read_instance(path))
        if on_progress is not None:
            on_progress(done, len(listed))
    return found


def group_series(found: Sequence[ReadInstance]) -> tuple[SeriesHeader, ...]:
    """Put instances into their series; an instance that was read twice counts once."""
    instances: dict[str, dict[str, InstanceHeader]] = {}
    series: dict[str, SeriesHeader] = {}
    for header in sorted(found, key=lambda one: one.instance.sop_instance_uid):
        uid = header.series.series_instance_uid
        series.setdefault(uid, header.series)
        instances.setdefault(uid, {}).setdefault(header.instance.sop_instance_uid, header.instance)
    return tuple(
        replace(series[uid], instances=tuple(instances[uid].values())) for uid in sorted(series)
    )


def _read_instance(path: Path) -> ReadInstance:
    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=_KEYWORDS)
    except HEADER_ERRORS as error:
        if is_from_the_disk(error):
            raise
        raise DataSetUnreadable(cause=type(error).__name__) from None
    if not text(dataset, "SOPInstanceUID") or not text(dataset, "SeriesInstanceUID"):
        raise DataSetUnreadable("The file does not say which instance and series it is")
    return ReadInstance(path, _instance_header(dataset), _patient(dataset), _series_header(dataset))


def _patient(dataset: Dataset) -> PatientIdentity | PatientUnreadable:
    try:
        return patient_identity(dataset)
    except PatientUnreadable as error:
        return error


def patients_of(
    found: Iterable[ReadInstance], *, skip_unreadable: bool = False
) -> list[PatientIdentity]:
    """The patients that instances name.

    Parameters
    ----------
    skip_unreadable : leave out instances whose patient cannot be read, for what names nobody

    Raises
    ------
    PatientUnreadable
        That of one of them cannot be read.
    """
    named = []
    for one in found:
        if isinstance(one.patient, PatientIdentity):
            named.append(one.patient)
        elif not skip_unreadable:
            raise one.patient
    return named


def _instance_header(dataset: FileDataset) -> InstanceHeader:
    frames = frame_headers(dataset)
    return InstanceHeader(
        sop_instance_uid=text(dataset, "SOPInstanceUID"),
        sop_class_uid=text(dataset, "SOPClassUID"),
        transfer_syntax_uid=text(dataset.file_meta, "TransferSyntaxUID"),
        rows=whole(dataset, "Rows") or 0,
        columns=whole(dataset, "Columns") or 0,
        samples_per_pixel=whole(dataset, "SamplesPerPixel") or 0,
        photometric_interpretation=text(dataset, "PhotometricInterpretation"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        gantry_detector_tilt=number(dataset, "GantryDetectorTilt"),
        contrast_bolus_agent=text(dataset, "ContrastBolusAgent"),
        frames=frames,
        number_of_frames=whole(dataset, "NumberOfFrames") or 1,
        described_frames=len(frames),
        concatenation_uid=text(dataset, "ConcatenationUID"),
        concatenation_parts=max(
            whole(dataset, keyword) or 1
            for keyword in ("InConcatenationNumber", "InConcatenationTotalNumber")
        ),
    )


def _series_header(dataset: Dataset) -> SeriesHeader:
    return SeriesHeader(
        study_instance_uid=text(dataset, "StudyInstanceUID"),
        series_instance_uid=text(dataset, "SeriesInstanceUID"),
        modality=text(dataset, "Modality").upper(),
        body_part_examined=text(dataset, "BodyPartExamined").upper(),
        anatomic_region=_anatomic_region(dataset),
        protocol_name=text(dataset, "ProtocolName"),
        series_description=text(dataset, "SeriesDescription"),
        instances=(),
        patient_age_years=patient_age_years(
            text(dataset, "PatientAge"),
            text(dataset, "PatientBirthDate"),
            text(dataset, "StudyDate"),
        ),
        patient_sex=_SEXES.get(text(dataset, "PatientSex").upper()),
        acquired_at=acquired_at(dataset),
        patient_position=text(dataset, "PatientPosition").upper(),
    )


def _anatomic_region(dataset: Dataset) -> str:
    """PS3.3 10.5: at the top of a single-frame object, in Frame Anatomy of a multi-frame one."""
    return code_text(dataset, "AnatomicRegionSequence") or next(
        (
            code
            for group in items(dataset, "SharedFunctionalGroupsSequence")
            for anatomy in items(group, "FrameAnatomySequence")
            if (code := code_text(anatomy, "AnatomicRegionSequence"))
        ),
        "",
    )
