"""Write a head as a DICOM study, as a scanner would send it: single-frame CT images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from firstread.phantom.ct_images import PixelEncoding, ct_images
from firstread.phantom.identity import SeriesAttributes, StudyIdentity
from phantom.head.synthesis import HeadPhantom

BRAIN_WINDOW, BONE_WINDOW = (40, 80), (600, 2800)
"""Centre and width (HU) of the windows that the images propose."""


@dataclass(frozen=True)
class HeadIdentity(StudyIdentity):
    """What all instances of a head study share."""

    patient_name: str = "Phantom^Head"

    @classmethod
    def of_head(cls, phantom: HeadPhantom, *, salt: str = "") -> HeadIdentity:
        """The identity that follows from what a phantom was made from.

        Parameters
        ----------
        salt : anything, to get a second study of the same phantom
        """
        volume = phantom.volume
        made_from = (
            *("head", phantom.seed, phantom.head, phantom.specified_lesions, volume.shape),
            *(volume.affine.round(6).tolist(), phantom.posture, salt),
        )
        return cls(
            key=hashlib.sha256(repr(made_from).encode()).hexdigest(),
            patient_id=f"PHANTOM-HEAD-{phantom.seed}",
            accession_number=f"PHH{phantom.seed}",
        )

    def add_to(self, dataset: Dataset) -> None:
        """Patient and General Study attributes (PS3.3 C.7.1.1, C.7.2.1)."""
        super().add_to(dataset)
        dataset.StudyDescription = "Head phantom"


@dataclass(frozen=True)
class HeadSeries(SeriesAttributes):
    """What all instances of a head series share."""

    def add_to(self, dataset: Dataset, study: StudyIdentity) -> None:
        """General Series, Frame of Reference and Equipment attributes (PS3.3 C.7.3.1 …)."""
        super().add_to(dataset, study)
        dataset.BodyPartExamined = "HEAD"
        dataset.ProtocolName = "Head"
        dataset.ManufacturerModelName = "Head phantom"


HEAD_SERIES = HeadSeries(
    name="head",
    number=2,
    description="Head without contrast",
    image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
    convolution_kernel="H31s",
)


def write_head_study(
    phantom: HeadPhantom,
    folder: Path,
    *,
    identity: StudyIdentity | None = None,
    encoding: PixelEncoding | None = None,
    shuffled: bool = False,
) -> tuple[Path, ...]:
    """Write the instances of a study into a folder.

    The same arguments give the same UIDs and the same bytes.

    Parameters
    ----------
    folder : made if it does not exist
    identity : follows from the phantom when not given
    encoding : Explicit VR Little Endian, unsigned, when not given
    shuffled : number the instances in a random order, to show that numbers say nothing about place

    Returns
    -------
    The files written, in the order of Instance Number.
    """
    identity = identity or HeadIdentity.of_head(phantom)
    folder.mkdir(parents=True, exist_ok=True)
    images = _images(phantom, identity, encoding or PixelEncoding(), shuffled)
    return tuple(sorted(_write(dataset, folder) for dataset in images))


def _images(
    phantom: HeadPhantom, identity: StudyIdentity, encoding: PixelEncoding, shuffled: bool
) -> Iterator[Dataset]:
    numbers = np.arange(1, phantom.volume.shape[0] + 1)
    if shuffled:
        numbers = np.random.default_rng(phantom.seed).permutation(numbers)
    for dataset in ct_images(phantom.volume, identity, HEAD_SERIES, encoding, numbers):
        (brain, brain_width), (bone, bone_width) = BRAIN_WINDOW, BONE_WINDOW
        dataset.WindowCenter, dataset.WindowWidth = [brain, bone], [brain_width, bone_width]
        yield dataset


def _write(dataset: Dataset, folder: Path) -> Path:
    path = folder / f"{int(dataset.SeriesNumber):03d}-{int(dataset.InstanceNumber):04d}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path
