"""Series that accompany a chest CT and must not be analysed, to test the choice of series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from phantom.ct_images import PixelEncoding, ct_images, file_meta
from phantom.identity import SeriesAttributes, StudyIdentity
from radiology.image.volume import FloatArray, Volume


class Companion(StrEnum):
    """What a scanner sends beside the slices."""

    LOCALIZER = "localizer"
    THICK_SHARP = "thick sharp"  # 8 mm slices with a bone kernel
    CORONAL_MPR = "coronal reformat"
    DOSE_PAGE = "dose page"  # a secondary capture


def companion_series(
    volume: Volume, study: StudyIdentity, companions: Collection[Companion]
) -> Iterator[Dataset]:
    """Make the instances of the companions that are asked for."""
    for companion in Companion:
        if companion in companions:
            yield from _MAKERS[companion](volume, study)


def _localizer(volume: Volume, study: StudyIdentity) -> Iterator[Dataset]:
    """A view from the front: one image, as if of a table that moved past a still tube."""
    turned, _ = volume.canonical()
    shadow = (turned.hounsfield.mean(axis=1, dtype=np.float32) + 400.0)[None, ::-1]
    affine = turned.affine.copy()
    affine[:3, 0] = turned.affine[:3, 1]
    affine[:3, 1] = -turned.affine[:3, 0]
    affine[:3, 3] += turned.affine[:3, 0] * (turned.shape[0] - 1)
    series = SeriesAttributes(
        name="localizer",
        number=1,
        description="Topogram",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        convolution_kernel="T20f",
        slice_thickness_mm=turned.spacing_mm[1] * turned.shape[1],
    )
    yield from ct_images(Volume(np.ascontiguousarray(shadow), affine), study, series, _PLAIN)


def _thick_sharp(volume: Volume, study: StudyIdentity) -> Iterator[Dataset]:
    """Slices of about 8 mm, edges overdrawn."""
    turned, _ = volume.canonical()
    together = max(2, round(8.0 / turned.spacing_mm[0]))
    count = turned.shape[0] // together
    blocks = turned.hounsfield[: count * together].reshape(count, together, *turned.shape[1:])
    thick = _sharpened(blocks.mean(axis=1, dtype=np.float32))
    affine = turned.affine.copy()
    affine[:3, 3] += affine[:3, 0] * (together - 1) / 2.0
    affine[:3, 0] *= together
    series = SeriesAttributes(
        name="thick",
        number=3,
        description="Chest thick bone",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        convolution_kernel="B70f",
    )
    yield from ct_images(Volume(thick, affine), study, series, _PLAIN)


def _sharpened(slices: FloatArray) -> FloatArray:
    """Each pixel pushed away from the mean of its four neighbours."""
    around = np.zeros_like(slices)
    for axis in (1, 2):
        around += np.roll(slices, 1, axis) + np.roll(slices, -1, axis)
    sharp: FloatArray = (slices + 0.8 * (slices - 0.25 * around)).astype(np.float32)
    return sharp


def _coronal_reformat(volume: Volume, study: StudyIdentity) -> Iterator[Dataset]:
    """Coronal planes 6 mm apart, cut out of the slices."""
    turned, _ = volume.canonical()
    every = max(1, round(6.0 / turned.spacing_mm[1]))
    planes = np.ascontiguousarray(turned.hounsfield[::-1, ::every].transpose(1, 0, 2))
    affine = turned.affine.copy()
    affine[:3, 0] = turned.affine[:3, 1] * every
    affine[:3, 1] = -turned.affine[:3, 0]
    affine[:3, 3] += turned.affine[:3, 0] * (turned.shape[0] - 1)
    series = SeriesAttributes(
        name="coronal",
        number=4,
        description="Chest coronal",
        image_type=("DERIVED", "SECONDARY", "MPR"),
    )
    yield from ct_images(Volume(planes, affine), study, series, _PLAIN)


def _dose_page(volume: Volume, study: StudyIdentity) -> Iterator[Dataset]:
    """An empty page in colour, as scanners send their dose tables (PS3.3 A.8.1)."""
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = study.uid("instance", "dose")
    dataset.file_meta = file_meta(
        SecondaryCaptureImageStorage, dataset.SOPInstanceUID, ExplicitVRLittleEndian
    )
    study.add_to(dataset)
    series = SeriesAttributes("dose", 999, "Dose report", ("DERIVED", "SECONDARY"))
    series.add_to(dataset, study)
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        delattr(dataset, keyword)
    dataset.ConversionType = "WSD"
    dataset.InstanceNumber = 1
    dataset.ImageType = list(series.image_type)
    dataset.PatientOrientation = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = 64, 64
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes(64 * 64 * 3)
    dataset["PixelData"].VR = "OB"
    yield dataset


_PLAIN = PixelEncoding()

_MAKERS: Mapping[Companion, Callable[[Volume, StudyIdentity], Iterator[Dataset]]] = {
    Companion.LOCALIZER: _localizer,
    Companion.THICK_SHARP: _thick_sharp,
    Companion.CORONAL_MPR: _coronal_reformat,
    Companion.DOSE_PAGE: _dose_page,
}
