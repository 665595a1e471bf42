"""Files of instances as data sets of which what is large stays on the disk.

PS3.10 Section 7. Values beyond `LARGE_BYTES` are skipped and found again by their place, so that
the headers of a study fit into memory whatever hangs on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import FileDataset

from dicom_node.receive.instance_identity import UNREADABLE
from settings.log.log_events import get_logger
from worklist.dicomweb.holdings import DAMAGED
from worklist.dicomweb.refusal import RequestRefused

_log = get_logger("worklist")
LARGE_BYTES: Final = 64 * 1024
FAULTS: Final = UNREADABLE


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


def damaged(path: Path, error: Exception) -> RequestRefused:
    """500: what lies on the disk is not what was stored. The log names the file."""
    _log.error("instance_file_damaged", file=path.name, error_kind=type(error).__name__)
    return RequestRefused(500, DAMAGED)
