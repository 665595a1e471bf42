"""Small CT images for the tests of the node: 16 x 16 pixels, a few hundred bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

STUDY = "2.25.1"
SERIES = "2.25.1.1"


def small_ct(number: int = 1, **changes: Any) -> Dataset:
    """A CT image with file meta information.

    Parameters
    ----------
    number : follows into SOP Instance UID and pixels
    changes : by keyword; None removes an attribute
    """
    data_set = Dataset()
    data_set.SOPClassUID = CTImageStorage
    data_set.SOPInstanceUID = f"{SERIES}.{number}"
    data_set.StudyInstanceUID = STUDY
    data_set.SeriesInstanceUID = SERIES
    data_set.Modality = "CT"
    data_set.PatientID = "P1"
    data_set.PatientName = "Not^To^Be^Logged"
    data_set.PatientBirthDate = "19010203"
    data_set.AccessionNumber = "A1"
    data_set.PatientSex = "F"
    data_set.PatientAge = "061Y"
    data_set.InstanceNumber = number
    data_set.Rows = data_set.Columns = 16
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.BitsAllocated = data_set.BitsStored = 16
    data_set.HighBit = 15
    data_set.PixelRepresentation = 0
    data_set.PixelData = (np.arange(256, dtype="<u2") + number).tobytes()
    data_set["PixelData"].VR = "OW"
    for keyword, value in changes.items():
        if value is None:
            delattr(data_set, keyword)
        else:
            setattr(data_set, keyword, value)
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data_set


def write(data_set: Dataset, folder: Path, name: str = "") -> Path:
    """Write a data set as a file, with the file meta information that it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or data_set.SOPInstanceUID}.dcm"
    data_set.save_as(path, enforce_file_format=True)
    return path


def encoded(data_set: Dataset) -> bytes:
    """The encoded data set alone, without file meta information."""
    content = io.BytesIO()
    data_set.file_meta.MediaStorageSOPClassUID = UID("1.2")  # also where the data set has none
    data_set.file_meta.MediaStorageSOPInstanceUID = UID("1.2")
    data_set.save_as(content, enforce_file_format=True)
    return split(content.getvalue())


def split(content: bytes) -> bytes:
    """The encoded data set of a DICOM file."""
    assert content[128:132] == b"DICM"
    group_length = int.from_bytes(content[140:144], "little")
    return content[144 + group_length :]


def file_around(
    data_set: bytes,
    *,
    sop_class_uid: str = CTImageStorage,
    sop_instance_uid: str = f"{SERIES}.1",
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
) -> bytes:
    """A DICOM file with whatever bytes in the place of the data set."""
    from dicom_node.receive.file_meta import encode_file_meta

    meta = encode_file_meta(
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        transfer_syntax_uid=UID(transfer_syntax_uid),
        calling_ae_title="SCANNER",
        called_ae_title="FIRSTREAD",
    )
    return meta + data_set
