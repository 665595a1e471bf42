"""Objects of ours that the doctor has a PACS send back: kept for it, where it waits for them.

What is no CT is answered with Success and not kept. While a folder that is named after a study lies
in the doctor's folder, objects of that study are put into it: the doctor makes the folder before it
asks by C-MOVE, and removes it when it has compared them.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Final

from dicom_node.receive.encoded_data_set import EncodedDataSet
from dicom_node.receive.instance_identity import read_identity
from dicom_node.spool import SpoolFile
from radiology.errors import InstanceRefused

_MOST_BYTES: Final = 500_000_000


class WantedBack:
    """What the doctor waits for.

    Parameters
    ----------
    folder : the doctor's, within the data folder; mostly it is not there
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_anything(self) -> bool:
        """Whether any study is waited for."""
        with contextlib.suppress(OSError):
            return any(one.is_dir() for one in self._folder.iterdir())
        return False

    def keep(self, file: SpoolFile, transfer_syntax_uid: str) -> None:
        """Put a copy where it is waited for; what is not, or cannot be read, is passed over."""
        encoded = EncodedDataSet(file, transfer_syntax_uid, max_bytes=_MOST_BYTES)
        try:
            identity = read_identity(encoded)
        except InstanceRefused:
            return
        folder = self._folder / identity.study_instance_uid
        if not folder.is_dir():
            return
        begun = folder / f"{identity.sop_instance_uid}.part"
        with contextlib.suppress(OSError):  # the doctor says that it did not come
            shutil.copyfile(file.path, begun)
            begun.replace(begun.with_suffix(".dcm"))
