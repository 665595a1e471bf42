"""Files of instances as data sets of which what is large stays on the disk.

PS3.10 Section 7. Values beyond `LARGE_BYTES` are skipped and found again by their place, so that
the headers of a study fit into memory whatever hangs on them. A deflated data set has no such
places (PS3.5 Section A.5): a search looks at its beginning alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from dicom_node.receive.instance_identity import UNREADABLE
from dicom_node.receive.part_10 import MOST_META_BYTES, read_file_meta
from radiology.errors import DataSetUnreadable
from settings.log.log_events import get_logger
from worklist.dicomweb.holdings import DAMAGED
from worklist.dicomweb.refusal import RequestRefused

_log = get_logger("worklist")
LARGE_BYTES: Final = 64 * 1024
FAULTS: Final = UNREADABLE
SEARCHED_BYTES: Final = 1 << 20
"""Of a deflated data set. All of it may be a thousand times as much as lies on the disk, and a
search looks at ten thousand files."""
_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))


def read_data_set(path: Path) -> FileDataset:
    """A whole data set, without the values that are large.

    Raises
    ------
    RequestRefused
        500: the file cannot be read.
    """
    try:
        return dcmread(path, defer_size=LARGE_BYTES)
    except FAULTS as error:
        raise damaged(path, error) from error


def read_whole(path: Path) -> FileDataset:
    """A whole data set with every value.

    Raises
    ------
    RequestRefused
        500: the file cannot be read.
    """
    try:
        return dcmread(path)
    except FAULTS as error:
        raise damaged(path, error) from error


def read_some(path: Path, tags: Sequence[int]) -> FileDataset:
    """Some attributes of a data set, none of them pixels.

    Raises
    ------
    RequestRefused
        500: the file cannot be read.
    """
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=list(tags))
    except FAULTS as error:
        raise damaged(path, error) from error


def read_deflated_head(path: Path, tags: Sequence[int] | None = None) -> Dataset:
    """What the first `SEARCHED_BYTES` of a deflated data set say.

    Parameters
    ----------
    tags : the only attributes that are wanted; None: all

    Raises
    ------
    RequestRefused
        500: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            begun = file.read(MOST_META_BYTES + SEARCHED_BYTES)
        meta = read_file_meta(begun, is_whole=True)
        assert meta is not None
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        head = inflater.decompress(begun[meta.end :], SEARCHED_BYTES)
        stream = io.BytesIO(head)
        wanted = None if tags is None else list(tags)
        found = read_dataset(stream, False, True, stop_when=_is_pixels, specific_tags=wanted)
    except (zlib.error, DataSetUnreadable, *FAULTS) as error:
        raise damaged(path, error) from error
    for tag in list(found.keys()):
        raw: DataElement | RawDataElement | None = found.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.value_tell + raw.length > len(head):
            del found[tag]  # it goes on behind what was read
    return found


def _is_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) in _PIXELS


def damaged(path: Path, error: Exception) -> RequestRefused:
    """500: what lies on the disk is not what was stored. The log names the file."""
    _log.error("instance_file_damaged", file=path.name, error_kind=type(error).__name__)
    return RequestRefused(500, DAMAGED)
