"""The slices that were kept with a result, read one by one.

What lies on disk was written by us, and may have been damaged, replaced or removed since then: a
slice that cannot be read counts as missing.
"""

from __future__ import annotations

import functools
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.session import query
from database.views.worklist.worklist_rows import key_picture_path
from radiology.image.slice_stack import (
    HEAT,
    INDEX,
    MOST_SLICES,
    VERSION,
    labels_entry,
    voxels_entry,
)
from worklist.page.pictures import is_kept, kept_file
from worklist.page.screens import PageContext

SUFFIX = ".slices.zip"
_MOST_INDEX_BYTES = 16_000_000
_MOST_DIRECTORIES = 64  # of the stacks that readers look at now; 300 slices take about 300 kB
_LOCAL_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class SliceStack:
    """The slices of one result. Each answer is None where the file has no such entry."""

    path: Path

    def index(self) -> dict[str, Any] | None:
        """What `worker.keep.keep_slices` wrote of the stack: sizes, key slice, lesions, names."""
        content = self._entry(INDEX)
        return None if content is None else _checked(content)

    @property
    def key_slice(self) -> int | None:
        """The slice that is shown first; None where the index cannot be read."""
        facts = self.index()
        key = None if facts is None else facts.get("key")
        return key if isinstance(key, int) else None

    @property
    def key_instance(self) -> str:
        """The instance of that slice; "" where it is none, or was not kept."""
        facts = self.index()
        return "" if facts is None else str(facts.get("key_instance", ""))

    def digest_of_key(self) -> str | None:
        """What the key slice is made of, as a word for an address; None where not all is there."""
        key = self.key_slice
        if key is None:
            return None
        try:
            now = self.path.stat()
            entries = _directory(self.path, now.st_mtime_ns, now.st_size)
            of_key = (INDEX, voxels_entry(key), labels_entry(key))
            return "".join(f"{entries[name].CRC:08x}" for name in of_key)
        except _UNREADABLE:
            return None

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
            now = self.path.stat()
            entry = _directory(self.path, now.st_mtime_ns, now.st_size)[name]
            # Entries are stored, not compressed: a small file cannot unpack to a large one.
            plain = entry.compress_type == zipfile.ZIP_STORED
            small = entry.file_size <= _MOST_INDEX_BYTES
            return _content(self.path, entry) if plain and small else None
        except _UNREADABLE:
            return None


@functools.lru_cache(maxsize=_MOST_DIRECTORIES)
def _directory(path: Path, _mtime_ns: int, _size: int) -> Mapping[str, zipfile.ZipInfo]:
    """Where each entry of a file lies, read again only when the file is another one.

    A reader fetches every slice of a stack, one by one, and the directory of 300 slices takes
    longer to read than a slice.
    """
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: entry for entry in archive.infolist()}


def _content(path: Path, entry: zipfile.ZipInfo) -> bytes:
    """A stored entry (APPNOTE.TXT 4.3.7: its local header, a name, an extra field, the bytes).

    Raises
    ------
    ValueError
        The bytes are not those that were written.
    """
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) != _LOCAL_HEADER.size:
            raise ValueError("the file ends within a header")
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        file.seek(name_bytes + extra_bytes, os.SEEK_CUR)
        content = file.read(entry.file_size)
    if signature != _LOCAL_SIGNATURE or zlib.crc32(content) != entry.CRC:
        raise ValueError("the bytes of an entry are not those that were written")
    return content


def stack_of(context: PageContext, result_id: int) -> SliceStack | None:
    """The slices of a result; None where none were kept, or they are gone."""
    with query(context.engine) as session:
        picture = key_picture_path(session, result_id)
    return stack_beside(context, picture)


def stack_beside(context: PageContext, picture: str | None) -> SliceStack | None:
    """The slices that lie beside a key picture; None where none do."""
    named = _place_beside(context, picture)
    path = None if named is None else kept_file(context, named, SUFFIX)
    return None if path is None else SliceStack(path)


def has_stack_beside(context: PageContext, picture: str | None) -> bool:
    """Whether slices lie beside a key picture; they are not fetched for the answer."""
    named = _place_beside(context, picture)
    return named is not None and is_kept(context, named, SUFFIX)


def _place_beside(context: PageContext, picture: str | None) -> Path | None:
    if not picture or not picture.endswith(".png"):
        return None
    return context.settings.results_folder / f"{picture.removesuffix('.png')}{SUFFIX}"


def _checked(content: bytes) -> dict[str, Any] | None:
    try:
        facts = json.loads(content)
        sound = facts["version"] == VERSION and 0 < facts["slices"] <= MOST_SLICES
    except (ValueError, KeyError, TypeError):
        return None
    return facts if sound else None
