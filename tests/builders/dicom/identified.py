"""Instances that say of whom they are in every way that DICOM has, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset

_KEPT = """
    SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID Modality
    ImageType PatientID PatientName SpecificCharacterSet ImageOrientationPatient StudyDate
    ImagePositionPatient PixelSpacing SliceThickness RescaleType PhotometricInterpretation
    BodyPartExamined ConvolutionKernel BurnedInAnnotation RescaleSlope RescaleIntercept
    PatientSex PatientAge PatientBirthDate StudyTime SeriesDate SeriesTime AcquisitionDate
    AcquisitionTime ContentDate ContentTime AcquisitionDateTime TimezoneOffsetFromUTC
    PatientOrientation ScanOptions ProtocolName SeriesDescription ContrastBolusAgent
"""  # what receiving, choosing and decoding the study needs
_GROUPS_LEFT = frozenset({0x0000, 0x0002, 0x0004, 0x0028, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE})
_MADE: dict[str, Callable[[int], str]] = {
    "DA": lambda n: f"{1900 + n % 90}{1 + n % 12:02}{1 + n % 28:02}",
    "TM": lambda n: f"{n % 24:02}{n % 60:02}{n % 59:02}.{100000 + n}",
    "DT": lambda n: f"19{10 + n % 80}{1 + n % 12:02}11{n % 24:02}{n % 60:02}00.{100000 + n}",
    "UI": lambda n: f"1.2.826.0.1.{900000 + n}.7",
    "PN": lambda n: f"Leak{n}^Person",
    "CS": lambda n: f"LEAK{n}",
    "AE": lambda n: f"LEAK{n}",
    **{vr: (lambda n: f"Leak{n}") for vr in ("LO", "SH", "LT", "ST", "UT", "UC", "UR")},
}


def identify(dataset: Dataset) -> None:
    """Write something of its own into every attribute of text, day or UID that PS3.6 knows.

    Also into an item of a sequence, and into a private block.
    """
    _fill(dataset)
    item = Dataset()
    _fill(item, start=50_000)
    dataset.RequestAttributesSequence = [item]
    block = dataset.private_block(0x0099, "LEAK OF THE VENDOR", create=True)
    block.add_new(1, "LO", "Leak of a private attribute")
    dataset.PatientName, dataset.PatientBirthDate = "Leak^Patient", "19510413"


def _fill(dataset: Dataset, start: int = 0) -> None:
    for number, (tag, entry) in enumerate(DicomDictionary.items(), start=start):
        vr, multiplicity, keyword = entry[0], entry[1], entry[4]
        if tag >> 16 in _GROUPS_LEFT or keyword in _KEPT.split() or not keyword:
            continue
        if vr in _MADE and multiplicity in ("1", "1-n") and keyword not in dataset:
            dataset.add_new(tag, vr, _MADE[vr](number))


def said_by(dataset: Dataset) -> Iterator[str]:
    """Every word of it, in sequences too: names in their parts, and each of several values."""
    for element in dataset.iterall():
        if element.VR in ("SQ", "OB", "OW", "UN", "US", "SS", "FL", "FD", "DS", "IS", "AT"):
            continue
        values = element.value if element.VM > 1 else [element.value]
        for value in values:
            yield from (part for part in str(value).split("^") if part)
