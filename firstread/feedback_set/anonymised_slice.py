"""A slice as an anonymised CT image.

PS3.15 Annex E (Attribute Confidentiality Profiles), Basic Application Level Confidentiality
Profile. It asks which attributes are to be taken away; this takes away all, and writes a new object
of what training reads: pixels, their meaning in HU, and where the slice lies. Nothing of it is text
of the source: numbers are read and written again, UIDs are replaced, and dates are left out. Of the
stored values only the bits in use are kept (the others could hold older overlays).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from firstread.feedback_set.pseudonyms import Pseudonyms
from radiology.errors import VolumeRefused
from radiology.image.series import FrameHeader
from worker.series.frame_headers import text, whole
from worker.series.pixels.frame_pixels import padding_range, stored_frames

_METHOD = "Firstread: new object of pixels and geometry only"
_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})


def anonymised_slice(
    source: FileDataset, frame: FrameHeader, case: str, index: int, pseudonyms: Pseudonyms
) -> Dataset:
    """Make the object.

    Parameters
    ----------
    source : the instance that holds the slice
    frame : which of its frames
    case : the name in place of the patient's
    index : of the slice within the series, from 0

    Raises
    ------
    VolumeRefused
        It is no slice that can be trained on, or says that something is written in its pixels.
    """
    if text(source, "BurnedInAnnotation").upper() == "YES":
        raise VolumeRefused("the pixels are said to have something written into them")
    if text(source, "PhotometricInterpretation") not in _GREY:
        raise VolumeRefused("the instance is not grey")
    ((_, pixels),) = stored_frames(source, [frame.frame_number])
    stored = _stored_bits(pixels, whole(source, "BitsStored"))
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = CTImageStorage
    original = f"{text(source, 'SOPInstanceUID')}/{frame.frame_number or 1}"
    made.SOPInstanceUID = pseudonyms.uid(original)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(made, keyword, pseudonyms.uid(text(source, keyword)))
    _identity(made, case)
    _place(made, frame, index)
    _pixels(made, stored, text(source, "PhotometricInterpretation"))
    padding = padding_range(source, stored.dtype)
    if padding is not None:
        vr = "SS" if stored.dtype.kind == "i" else "US"
        made.add_new("PixelPaddingValue", vr, padding[0])
        made.add_new("PixelPaddingRangeLimit", vr, padding[1])
    return made


def _identity(made: Dataset, case: str) -> None:
    """Type 1 and 2 attributes of the CT Image IOD (PS3.3 A.3), and that identity was removed."""
    made.PatientName = made.PatientID = case
    for keyword in (
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyID",
        "SeriesNumber",
        "PositionReferenceIndicator",
        "Manufacturer",
        "KVP",
        "AcquisitionNumber",
    ):
        setattr(made, keyword, None)
    made.Modality = "CT"
    made.PatientIdentityRemoved = "YES"  # PS3.15 Section E.1.1
    made.DeidentificationMethod = _METHOD
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"  # PS3.16 CID 7050
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    made.DeidentificationMethodCodeSequence = [code]
    made.LongitudinalTemporalInformationModified = "REMOVED"


def _place(made: Dataset, frame: FrameHeader, index: int) -> None:
    made.InstanceNumber = index + 1
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.ImagePositionPatient = _numbers(frame.image_position_patient)
    made.ImageOrientationPatient = _numbers(frame.image_orientation_patient)
    made.PixelSpacing = _numbers(frame.pixel_spacing)
    made.SliceThickness = _numbers((frame.slice_thickness,)) or None
    made.RescaleIntercept = _numbers((frame.rescale_intercept,))
    made.RescaleSlope = _numbers((frame.rescale_slope,))
    made.RescaleType = "HU"


def _numbers(values: tuple[float | None, ...] | None) -> list[str]:
    """Written anew: not one character of the source is copied."""
    return [format_number_as_ds(float(one)) for one in values or () if one is not None]


def _pixels(made: Dataset, stored: NDArray[Any], photometric: str) -> None:
    """PS3.3 C.7.6.3 (Image Pixel Module)."""
    bits = stored.dtype.itemsize * 8
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = photometric
    made.Rows, made.Columns = stored.shape
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit = bits - 1
    made.PixelRepresentation = 1 if stored.dtype.kind == "i" else 0
    made.add_new("PixelData", "OW" if bits > 8 else "OB", stored.tobytes())


def _stored_bits(pixels: NDArray[Any], bits_stored: int | None) -> NDArray[Any]:
    """The values without what may stand in the bits above (PS3.5 Section 8.1.1)."""
    bits = pixels.dtype.itemsize * 8
    if pixels.dtype.kind not in "iu" or bits > 16:
        raise VolumeRefused("the stored values are no whole numbers of 16 bits")
    stored = pixels.astype(pixels.dtype.newbyteorder("<"))
    above = bits - min(bits_stored or bits, bits)
    # To the left and back: of a signed value the sign is carried along again.
    kept: NDArray[Any] = np.ascontiguousarray((stored << above) >> above)
    return kept
