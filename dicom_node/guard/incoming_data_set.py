"""The data set of one DIMSE message while its fragments arrive.

PS3.8 Annex E (fragments of a message), PS3.7 Section 6.3.1. pynetdicom gathers the fragments in a
`BytesIO`; this class writes the data set of a C-STORE request to disk as it arrives. An instance of
any size then takes no memory, and a full disk or a too large instance ends in a status instead of a
dead association.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Final

from dicom_node.spool import SpoolFile
from dicom_node.status import InstanceTooLarge
from radiology.errors import FirstreadError, SpoolFull

_MEMORY_BYTES: Final = 1024 * 1024  # of messages other than C-STORE, which are small


class IncomingDataSet(BytesIO):
    """Takes the fragments of a data set.

    Parameters
    ----------
    open_file : called with the first fragment; the file that takes the data set of a C-STORE
        request, or None when its bytes are not kept
    max_bytes : a data set larger than this is not kept

    Attributes
    ----------
    fault : why the data set is not kept; the association goes on, and the status tells it
    received_bytes : how many came, kept or not
    announced_sop_class_uid : Affected SOP Class UID (0000,0002) of the C-STORE request
    is_whole : whether it has come whole and is not answered yet
    """

    def __init__(self, open_file: Callable[[], SpoolFile | None], *, max_bytes: int) -> None:
        super().__init__()
        self._open_file = open_file
        self._max_bytes = max_bytes
        self._begun = False
        self._file: SpoolFile | None = None
        self.fault: FirstreadError | None = None
        self.received_bytes = 0
        self.announced_sop_class_uid = ""
        self.is_whole = False

    def write(self, fragment: bytes | memoryview) -> int:  # type: ignore[override]
        """Take a fragment; it is the caller's again afterwards."""
        count = len(fragment)
        self.received_bytes += count
        try:
            if self._file is not None and self.received_bytes <= self._max_bytes:
                self._file.write(fragment)  # nearly always
            else:
                self._take(fragment)
        except SpoolFull as fault:
            self._give_up(fault)
        return count

    def file(self) -> SpoolFile:
        """The file with the whole data set.

        Raises
        ------
        InstanceTooLarge, SpoolFull
            Why there is none.
        """
        if self.fault is not None:
            raise self.fault
        if self._file is None:  # a C-STORE request without a data set
            self._file = self._open_file()
        assert self._file is not None
        return self._file

    def kept_file(self) -> SpoolFile | None:
        """The file, if there is one; nothing is raised."""
        return self._file

    def discard(self) -> None:
        """Remove the file, unless it was placed or moved away."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _take(self, fragment: bytes | memoryview) -> None:
        if self.fault is not None:
            return
        if self.received_bytes > self._max_bytes:
            self._give_up(InstanceTooLarge(limit_bytes=self._max_bytes))
            return
        if not self._begun:
            self._begun = True
            self._file = self._open_file()
        if self._file is not None:
            self._file.write(fragment)
        elif self.received_bytes <= _MEMORY_BYTES:
            super().write(fragment)

    def _give_up(self, fault: FirstreadError) -> None:
        self.fault = fault
        self.discard()
