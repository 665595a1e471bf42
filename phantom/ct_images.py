"""A volume as single-frame CT images (PS3.3 A.3), one instance per slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from phantom.identity import SeriesAttributes, StudyIdentity
from radiology.image.volume import FloatArray, Volume

IMPLEMENTATION_CLASS_UID = "2.25.226140932093120934551184930188265531923"
LOWEST_HU, HIGHEST_HU = -1024, 3071


@dataclass(frozen=True)
class PixelEncoding:
    """How Hounsfield units become stored values (PS3.3 C.11.1, C.7.6.3).

    Attributes
    ----------
    signed : 16 bits with sign and intercept 0, otherwise 12 bits without and intercept -1024
    """

    transfer_syntax_uid: str = ExplicitVRLittleEndian
    signed: bool = False

    @property
    def rescale_intercept(self) -> int:
        """HU of stored value 0."""
        return 0 if self.signed else LOWEST_HU

    def stored(self, hounsfield: FloatArray) -> NDArray[np.int16] | NDArray[np.uint16]:
        """Stored values, rounded."""
        limited = np.clip(np.rint(hounsfield), LOWEST_HU, HIGHEST_HU) - self.rescale_intercept
        return limited.astype(np.int16) if self.signed else limited.astype(np.uint16)

    def add_to(self, dataset: Dataset, pixels: NDArray[np.int16] | NDArray[np.uint16]) -> None:
        """Image Pixel attributes (PS3.3 C.7.6.3) and the pixels, in the transfer syntax.

        `dataset` must have its file meta information.
        """
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.BitsAllocated = 16
        dataset.BitsStored = 16 if self.signed else 12
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(self.signed)
        big = self.transfer_syntax_uid == ExplicitVRBigEndian
        ordered = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<"))
        dataset.PixelData = ordered.tobytes()
        dataset["PixelData"].VR = "OW"
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.compress(syntax, generate_instance_uid=False)


def decimal(value: float) -> DSfloat:
    """A decimal string of at most 16 characters (PS3.5 Table 6.2-1)."""
    return DSfloat(float(value), auto_format=True)


def decimals(values: NDArray[np.float64]) -> list[DSfloat]:
    """A decimal string for each value; negative zero is written as zero."""
    return [decimal(value + 0.0) for value in values.round(10)]


def file_meta(
    sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str
) -> FileMetaDataset:
    """File meta information (PS3.10 Section 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    return meta


def ct_images(
    volume: Volume,
    study: StudyIdentity,
    series: SeriesAttributes,
    encoding: PixelEncoding,
    instance_numbers: NDArray[np.int64] | None = None,
) -> Iterator[Dataset]:
    """Make a CT image of each slice.

    Parameters
    ----------
    instance_numbers : one per slice; counted from 1 in the order of the slices when not given
    """
    numbers = np.arange(1, volume.shape[0] + 1) if instance_numbers is None else instance_numbers
    for index, number in enumerate(numbers):
        yield _ct_image(volume, index, int(number), study, series, encoding)


def _ct_image(
    volume: Volume,
    index: int,
    number: int,
    study: StudyIdentity,
    series: SeriesAttributes,
    encoding: PixelEncoding,
) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = study.uid(
        "instance", series.name, encoding.transfer_syntax_uid, str(encoding.signed), str(index)
    )
    dataset.file_meta = file_meta(
        CTImageStorage, dataset.SOPInstanceUID, encoding.transfer_syntax_uid
    )
    study.add_to(dataset)
    series.add_to(dataset, study)
    dataset.InstanceNumber = number
    _add_acquisition(dataset, series)
    _add_plane(dataset, volume, index, series)
    dataset.RescaleIntercept = decimal(encoding.rescale_intercept)
    dataset.RescaleSlope = decimal(1)
    if "LOCALIZER" not in series.image_type:
        dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = [-600, 40], [1500, 400]
    encoding.add_to(dataset, encoding.stored(volume.hounsfield[index]))
    return dataset


def _add_acquisition(dataset: Dataset, series: SeriesAttributes) -> None:
    """General Image and CT Image attributes (PS3.3 C.7.6.1, C.8.2.1)."""
    dataset.ImageType = list(series.image_type)
    dataset.AcquisitionNumber = 1
    for name in ("Acquisition", "Content"):
        setattr(dataset, f"{name}Date", dataset.StudyDate)
        setattr(dataset, f"{name}Time", dataset.StudyTime)
    dataset.KVP = decimal(120)
    dataset.GantryDetectorTilt = decimal(0)
    dataset.ConvolutionKernel = series.convolution_kernel


def _add_plane(dataset: Dataset, volume: Volume, index: int, series: SeriesAttributes) -> None:
    """Image Plane attributes (PS3.3 C.7.6.2)."""
    apart, row_mm, column_mm = volume.spacing_mm
    directions = volume.affine[:3, :3] / np.array(volume.spacing_mm)
    position = volume.positions_mm(np.array([[index, 0, 0]]))[0]
    dataset.ImagePositionPatient = decimals(position)
    dataset.ImageOrientationPatient = decimals(np.concatenate([directions[:, 2], directions[:, 1]]))
    dataset.PixelSpacing = decimals(np.array([row_mm, column_mm]))
    dataset.SliceThickness = decimal(round(series.slice_thickness_mm or apart, 4))
