"""Write a phantom as a DICOM study, as a scanner would send it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from phantom.companions import Companion, companion_series
from phantom.ct_images import PixelEncoding, ct_images
from phantom.enhanced_ct import enhanced_ct
from phantom.identity import THIN_SERIES, StudyIdentity
from phantom.synthesis import Phantom

__all__ = ["Companion", "PixelEncoding", "StudyIdentity", "write_phantom_study"]


def write_phantom_study(
    phantom: Phantom,
    folder: Path,
    *,
    identity: StudyIdentity | None = None,
    encoding: PixelEncoding | None = None,
    multi_frame: bool = False,
    shuffled: bool = False,
    companions: Collection[Companion] = (),
) -> tuple[Path, ...]:
    """Write the instances of a study into a folder.

    The same arguments give the same UIDs and the same bytes.

    Parameters
    ----------
    folder : made if it does not exist
    identity : follows from the phantom when not given
    encoding : Explicit VR Little Endian, unsigned, when not given
    multi_frame : one Enhanced CT instance in place of one CT image per slice
    shuffled : number the instances in a random order, to show that numbers say nothing about place
    companions : series that a scanner sends along and that must not be analysed

    Returns
    -------
    The files written: the series to analyse first, in the order of Instance Number.
    """
    identity = identity or StudyIdentity.of(phantom)
    encoding = encoding or PixelEncoding()
    folder.mkdir(parents=True, exist_ok=True)
    instances = _thin_series(phantom, identity, encoding, multi_frame, shuffled)
    written = [_write(dataset, folder) for dataset in instances]
    for dataset in companion_series(phantom.volume, identity, companions):
        written.append(_write(dataset, folder))
    return tuple(sorted(written))


def _thin_series(
    phantom: Phantom,
    identity: StudyIdentity,
    encoding: PixelEncoding,
    multi_frame: bool,
    shuffled: bool,
) -> Iterator[Dataset]:
    if multi_frame:
        yield enhanced_ct(phantom.volume, identity, THIN_SERIES, encoding)
        return
    numbers = np.arange(1, phantom.volume.shape[0] + 1)
    if shuffled:
        numbers = np.random.default_rng(phantom.seed).permutation(numbers)
    yield from ct_images(phantom.volume, identity, THIN_SERIES, encoding, numbers)


def _write(dataset: Dataset, folder: Path) -> Path:
    path = folder / f"{int(dataset.SeriesNumber):03d}-{int(dataset.InstanceNumber):04d}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path
