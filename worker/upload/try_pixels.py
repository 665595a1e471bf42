"""Decodes the pixels of an upload once, in the child process, before a worker decodes them.

Headers are believed only as far as the limits: what a compressed image claims about itself is
stopped by the limits of the process that this runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom_node.library_faults import is_from_the_disk
from dicom_node.receive.encoded_data_set import EncodedDataSet
from models.catalogue import UsableBundle
from radiology.errors import DataSetUnreadable, NoSuitableSeries, UploadRefused
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from settings.uploads import UploadLimits
from worker.predict.instance_file import read_valid_instances
from worker.predict.read_picture import opened_picture
from worker.predict.read_slice_file import slice_of_picture
from worker.series.bundle_rule import refusals_of
from worker.series.decode_best import UNDECODED, decode_best
from worker.series.decode_volume import decode_frame, decode_volume
from worker.series.frame_headers import HEADER_ERRORS
from worker.series.read_series import ReadInstance, group_series
from worker.series.select_series import SeriesSelection

OnProgress = Callable[[int, int], None]


def try_header(path: Path, limits: UploadLimits) -> ReadInstance:
    """Read the header of one instance.

    Raises
    ------
    UploadRefused, DataSetUnreadable, InvalidUid
        It is no CT image, is too large, or cannot be read.
    """
    _try_inflating(path, limits)
    (found,) = read_valid_instances([path])
    if found.series.modality != "CT":
        raise UploadRefused("The instance is not a CT image (its Modality is another)")
    _check_pixels(found.instance.rows * found.instance.columns, limits)
    return found


def _try_inflating(path: Path, limits: UploadLimits) -> None:
    """PS3.5 Section A.5: pydicom inflates a deflated data set whole, however large it gets."""
    try:
        meta = read_file_meta_info(path)
        transfer_syntax_uid = str(meta.get("TransferSyntaxUID", ""))
        # PS3.10 Section 7.1: the group length counts from behind its own element.
        start = 128 + 4 + 12 + int(meta.get("FileMetaInformationGroupLength", 0))
    except HEADER_ERRORS as error:
        if is_from_the_disk(error):
            raise
        raise DataSetUnreadable() from error
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        data_set = _DataSetOfFile(path, start)
        EncodedDataSet(
            data_set, transfer_syntax_uid, max_bytes=limits.most_unpacked_bytes // 8
        ).head(1)


class _DataSetOfFile:
    """The bytes behind the file meta information."""

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._start = start

    @property
    def size(self) -> int:
        return self._path.stat().st_size - self._start

    def read_at(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._start + offset)
            return file.read(length)


def try_picture(path: Path, limits: UploadLimits) -> None:
    """Decode a picture.

    Raises
    ------
    PictureRefused, UploadRefused
        It is damaged, of a kind that shows no slice, or too large.
    """
    with opened_picture(path) as picture:
        _check_pixels(picture.width * picture.height, limits)
    slice_of_picture(path)


def try_slice(found: ReadInstance) -> None:
    """Decode the one frame of an instance.

    Raises
    ------
    RescaleMissing, PixelDataUndecodable
    """
    (frame,) = found.instance.frames
    decode_frame(found.path, frame)


def try_study(
    found: Sequence[ReadInstance],
    bundle: UsableBundle,
    limits: UploadLimits,
    on_progress: OnProgress,
) -> None:
    """Choose the series as the bundle does, and decode it; the next best where that fails.

    Raises
    ------
    Refused
        The study cannot be read; the kind says why.
    """
    paths = {one.instance.sop_instance_uid: one.path for one in found}

    def decode(series: SeriesHeader) -> Volume:
        voxels = sum(one.rows * one.columns * len(one.frames) for one in series.instances)
        if voxels > limits.most_voxels:
            raise UploadRefused(
                "The series is larger than an upload may be", limit=limits.most_voxels
            )
        return decode_volume(series, paths, on_progress=on_progress)

    def refuse_none(selection: SeriesSelection) -> None:
        if all(one.rule != UNDECODED and not one.chosen for one in selection.decisions):
            reasons = dict.fromkeys(decision.reason for decision in selection.decisions)
            raise NoSuitableSeries(f"No series can be analysed: {'; '.join(reasons)}")

    decode_best(group_series(found), refusals_of(bundle), decode, on_selection=refuse_none)


def _check_pixels(pixels: int, limits: UploadLimits) -> None:
    if pixels > limits.most_pixels:
        raise UploadRefused("The image has more pixels than a CT slice", limit=limits.most_pixels)
