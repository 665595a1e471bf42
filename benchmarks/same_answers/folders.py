"""Compare two folders of answers, file by file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from benchmarks.same_answers.data_sets import compare_instances, values_of
from benchmarks.same_answers.json_values import compare_json
from benchmarks.same_answers.pixels import Pixels, compare_pixels
from benchmarks.same_answers.texts import compare_texts
from benchmarks.same_answers.values import UID, UidPairs

# What pydicom, its decoders, Pillow and the JSON reader raise at a file that is not what it says:
# such a file is different, so that nothing passes because it could not be read.
_UNREADABLE = (
    AttributeError,  # pydicom: an element that is not there
    IndexError,  # an empty sequence where an item is needed
    InvalidDicomError,
    KeyError,  # pydicom, of a UID that it does not know
    NotImplementedError,  # pydicom, of a transfer syntax that it has no decoder for
    OSError,  # the file ends too early; Pillow: no picture
    RuntimeError,  # a decoder that fails
    TypeError,  # an element without a value
    ValueError,  # a value that its VR does not have; no JSON; no UTF-8
)


def compare_files(before: Path, after: Path, uids: UidPairs) -> Iterator[str]:
    """Say where two files differ, by what they are; one that cannot be read differs."""
    try:
        match before.suffix:
            case ".dcm":
                yield from compare_instances(dcmread(before), dcmread(after), uids)
            case ".json":
                yield from compare_json(_json(before), _json(after), uids)
            case ".png":
                yield from compare_pixels(_picture(before), _picture(after))
            case _:
                yield from compare_texts(before.read_text(), after.read_text())
    except _UNREADABLE as error:
        yield f"cannot be compared: {type(error).__name__}: {error}"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _picture(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _uids_of(folder: Path, names: Iterable[str]) -> set[str]:
    """Every UID in the instances and JSON answers of a folder."""
    texts = {text for name in names for text in _texts_of(folder / name)}
    return {text for text in texts if UID.fullmatch(text)}


def _texts_of(path: Path) -> list[str]:
    """Every text in a file; none where it cannot be read, which is said when it is compared."""
    try:
        match path.suffix:
            case ".dcm":
                elements = dcmread(path, stop_before_pixels=True).iterall()
                values = (one for element in elements for one in values_of(element))
                return [str(one) for one in values if isinstance(one, str)]
            case ".json":
                return list(_strings(_json(path)))
    except _UNREADABLE:
        pass
    return []


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def files_of(folder: Path) -> list[str]:
    """The files under a folder, by their paths within it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def compare_folders(
    before: Path, after: Path, *, most: int, expected: re.Pattern[str] | None = None
) -> bool:
    """Print a line for each file, and whether all are equal.

    Parameters
    ----------
    most : so many differences of a file are shown
    expected : differences that it finds a match in were meant
    """
    first, second = files_of(before), files_of(after)
    uids = UidPairs(_uids_of(before, first), _uids_of(after, second))
    names, different = sorted({*first, *second}), 0
    for name in names:
        found = _differences(before / name, after / name, uids)
        found = [one for one in found if expected is None or not expected.search(one)]
        different += bool(found)
        print(f"{'DIFFERENT' if found else 'equal    '} {name}")
        for difference in found[:most]:
            print(f"    {difference}")
        if len(found) > most:
            print(f"    and {len(found) - most} more")
    print(f"{len(names)} files, {different} different; {uids.changed} UIDs have another value")
    return not different


def _differences(before: Path, after: Path, uids: UidPairs) -> list[str]:
    if not before.is_file():
        return ["only after"]
    if not after.is_file():
        return ["only before"]
    return list(compare_files(before, after, uids))
