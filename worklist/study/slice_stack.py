"""The slices that were kept with a result, read one by one.

What lies on disk was written by us, and may have been damaged, replaced or removed since then: a
slice that cannot be read counts as missing.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.session import query
from database.views.worklist_rows import key_picture_path
from radiology.image.slice_stack import (
    HEAT,
    INDEX,
    MOST_SLICES,
    VERSION,
    labels_entry,
    voxels_entry,
)
from worklist.page.pictures import kept_file
from worklist.page.screens import PageContext

SUFFIX = ".slices.zip"
_MOST_INDEX_BYTES = 16_000_000
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class SliceStack:
    """The slices of one result. Each answer is None where the file has no such entry."""

    path: Path

    def index(self) -> dict[str, Any] | None:
        """What `worker.keep.keep_slices` wrote of the stack: sizes, key slice, lesions, names."""
        content = self._entry(INDEX)
        return None if content is None else _checked(content)

    def voxels(self, index: int) -> bytes | None:
        """One slice, a gzip stream (`radiology.image.slice_stack`)."""
        return self._entry(voxels_entry(index))

    def labels(self, index: int) -> bytes | None:
        """What is outlined in one slice, a gzip stream."""
        return self._entry(labels_entry(index))

    def heat(self) -> bytes | None:
        """The heat maps of all slices, JSON."""
        return self._entry(HEAT)

    def _entry(self, name: str) -> bytes | None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                entry = archive.getinfo(name)
                # Entries are stored, not compressed: a small file cannot unpack to a large one.
                plain = entry.compress_type == zipfile.ZIP_STORED
                small = entry.file_size <= _MOST_INDEX_BYTES
                return archive.read(entry) if plain and small else None
        except _UNREADABLE:
            return None


def stack_of(context: PageContext, result_id: int) -> SliceStack | None:
    """The slices of a result; None where none were kept, or they are gone."""
    with query(context.engine) as session:
        picture = key_picture_path(session, result_id)
    return stack_beside(context, picture)


def stack_beside(context: PageContext, picture: str | None) -> SliceStack | None:
    """The slices that lie beside a key picture; None where none do."""
    if not picture or not picture.endswith(".png"):
        return None
    named = context.settings.results_folder / f"{picture.removesuffix('.png')}{SUFFIX}"
    path = kept_file(context, named, SUFFIX)
    return None if path is None else SliceStack(path)


def _checked(content: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(content)
        sound = facts["version"] == VERSION and 0 < facts["slices"] <= MOST_SLICES
    except (ValueError, KeyError, TypeError):
        return None
    return facts if sound else None
