"""Where the settings say that files are kept."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from settings.data_places import DataPlaces
from settings.object_storage import ObjectStorage
from storage.files import KeptFiles
from storage.local_files import LOCAL


def kept_files(settings: DataPlaces) -> KeptFiles:
    """The files of the data folder; asked for as often as is wanted.

    Raises
    ------
    SettingsRefused
        A file that the settings of the object storage name cannot be read.
    """
    if settings.object_storage is None:
        return LOCAL
    return _bucket_files(settings.object_storage, settings.data_folder, os.getpid())


@lru_cache(maxsize=4)
def _bucket_files(storage: ObjectStorage, folder: Path, _process: int) -> KeptFiles:
    """One for each process: connections do not survive a fork."""
    # Here: whoever keeps files in the data folder needs no client, which takes 40 MB.
    from storage.bucket_files import BucketFiles

    return BucketFiles(storage, folder)
