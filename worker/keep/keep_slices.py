"""The slices of a reading on disk, for the page: axial, with outlines and heat maps.

Kept when the study is read, because then the voxels are at hand, turned and in HU, whatever the
instances were: enhanced, compressed, coronal. `radiology.image.slice_stack` says in which form.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.image.slice_stack import (
    HEAT,
    HIGHEST_HU,
    INDEX,
    LOWEST_HU,
    MOST_SLICES,
    STEP_HU,
    VERSION,
    labels_entry,
    pack_labels,
    pack_voxels,
    voxels_entry,
)
from radiology.region import Region, box_around, of_values
from worker.encode.picture.axial_stack import AxialStack
from worker.encode.picture.lines import line_styles, possible_line
from worker.encode.shown_reading import ShownReading
from worker.keep.durable_files import Write

SUFFIX = ".slices.zip"
_MOST_THREADS = 4
_MOST_LABELS = 255  # as many as a byte tells apart, beside nothing


@dataclass(frozen=True, slots=True)
class _Held:
    """The places of the slices that hold lesions, what is possible, and the organs in question."""

    lesions: list[int] = field(default_factory=list)
    possible: list[int] = field(default_factory=list)
    organs: list[int] = field(default_factory=list)


def packed_slices(
    shown: ShownReading, pack_slice: Callable[[int], bytes] | None = None
) -> memoryview | None:
    """Pack the slices of a reading, from head to feet, as they are scrolled through.

    Findings are outlined only where they are claimed, what is possible wherever it was seen, and
    nothing where nothing could be assessed.

    Parameters
    ----------
    pack_slice : gives the packed voxels of a slice of the canonical volume, where they were packed
        before

    Returns
    -------
    None for a volume of more slices than a page can scroll through.
    """
    stack = AxialStack.of(shown)
    slices = stack.volume.shape[0]
    if slices > MOST_SLICES:
        return None
    written = io.BytesIO()
    labelled = label_values(stack)
    outlined = {one.name for one in (*shown.outlined, *shown.possible)}
    possible = [labelled[one.name] for one in stack.possible if one.name in labelled]
    findings = [labelled[one.name] for one in stack.findings if one.name in outlined]
    # A lesion may fill its organ on a slice: what is found in the organ belongs to it.
    organs = [labelled[one.name] for one in stack.anatomy if one.name in outlined]
    organs = [*organs, *findings] if organs else []
    labels_of = _labels_of(stack, {name: labelled[name] for name in labelled if name in outlined})
    if pack_slice is None:

        def pack_slice(index: int) -> bytes:
            return pack_voxels(stack.volume.hounsfield[index])

    with (
        zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive,
        # zlib lets go of the interpreter's lock: the cores share the work.
        ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as threads,
    ):
        held = _Held()

        def packed(place: int) -> tuple[bytes, bytes, bool, bool, bool]:
            index = slices - 1 - place
            labels = labels_of(index)
            there = np.zeros(_MOST_LABELS + 1, np.bool_)
            there[labels] = True
            return (
                pack_slice(index),
                pack_labels(labels),
                bool(there[findings].any()),
                bool(there[possible].any()),
                bool(there[organs].any()),
            )

        for place, (voxels, labels, has_lesion, has_possible, has_organ) in enumerate(
            threads.map(packed, range(slices))
        ):
            _add(archive, voxels_entry(place), voxels)
            _add(archive, labels_entry(place), labels)
            if has_lesion:
                held.lesions.append(place)
            if has_possible:
                held.possible.append(place)
            if has_organ:
                held.organs.append(place)
        _add(archive, INDEX, _json(_index(stack, shown, held)))
        _add(archive, HEAT, _json(dict(_heat(stack))))
    return written.getbuffer()


def keep_slices(folder: Path, name: str, packed: memoryview, *, write: Write) -> str:
    """Write what `packed_slices` gave; returns the file's path within the folder.

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    path = f"{name}{SUFFIX}"
    write(folder / path, packed)
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), content)  # its date is fixed: the same file each time


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def label_values(stack: AxialStack) -> dict[str, int]:
    """The number of each region in the labels, by its name, from 1."""
    return {one.name: number for number, one in enumerate(_shown(stack)[:_MOST_LABELS], start=1)}


def _shown(stack: AxialStack) -> tuple[Region, ...]:
    """Anatomy, then findings, then what is possible."""
    return (*stack.anatomy, *stack.findings, *stack.possible)


def _labels_of(
    stack: AxialStack, labelled: Mapping[str, int]
) -> Callable[[int], NDArray[np.uint8]]:
    """The labels that may be shown of a slice; where regions overlap the later one is seen."""
    regions = [
        (one.labels, one.values, labelled[one.name])
        for one in _shown(stack)
        if one.name in labelled and one.labels is not None
    ]
    boxes = {id(labels): box_around(labels) for labels, _, _ in regions}

    def labels(index: int) -> NDArray[np.uint8]:
        made = np.zeros(stack.volume.shape[1:], np.uint8)
        for labels, values, number in regions:
            box = boxes[id(labels)]
            if box is not None and box[0].start <= index < box[0].stop:
                made[box[1:]][of_values(labels[index][box[1:]], values)] = number
        return made

    return labels


def _index(stack: AxialStack, shown: ShownReading, held: _Held) -> dict[str, Any]:
    slices, rows, columns = stack.volume.shape
    slice_mm, row_mm, column_mm = stack.volume.spacing_mm
    down = range(slices - 1, -1, -1)
    return {
        "version": VERSION,
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "slice_mm": slice_mm,
        "row_mm": row_mm,
        "column_mm": column_mm,
        "lowest_hu": LOWEST_HU,
        "highest_hu": HIGHEST_HU,
        "step_hu": STEP_HU,
        "key": slices - 1 - stack.key,
        "key_instance": stack.key_instance,
        "names": [stack.names[index] for index in down],
        "affine_mm": _placed(stack),
        "organ_slices": [held.organs[0], held.organs[-1]] if held.organs else [],
        "heights_mm": [round(stack.height_mm(index), 2) for index in down],
        "regions": list(_regions(stack)),
        "window_hu": list(stack.window_hu),
        "lesion_slices": held.lesions,
        "possible_slices": held.possible,
        "lesions": list(_lesions(stack, shown)),
        "heat_slices": sorted(slices - 1 - index for index in stack.heat_maps),
    }


def _placed(stack: AxialStack) -> list[list[float]]:
    """Where a voxel lies: three rows that turn place, row, column and 1 into x, y, z (LPS, mm)."""
    affine = stack.volume.affine.copy()
    affine[:3, 3] += affine[:3, 0] * (stack.volume.shape[0] - 1)  # the page counts from the head
    affine[:3, 0] *= -1.0
    return [[round(float(value), 4) for value in row] for row in affine[:3]]


def _regions(stack: AxialStack) -> Iterator[dict[str, Any]]:
    """What each number of the labels is, and how it is outlined, as in the key picture."""
    labelled = label_values(stack)
    styles = {
        **line_styles((*stack.anatomy, *stack.findings)),
        **{one.name: possible_line(one) for one in stack.possible},
    }
    for region in _shown(stack):
        if region.name in labelled:
            style = styles[region.name]
            yield {
                "label": labelled[region.name],
                "name": region.name,
                "is_finding": region.is_finding,
                "is_possible": region in stack.possible,
                "colour": "#{:02x}{:02x}{:02x}".format(*style.colour),
                "dash_px": [style.dash_px, style.gap_px] if style.dash_px else [],
            }


def _lesions(stack: AxialStack, shown: ShownReading) -> Iterator[dict[str, Any]]:
    """Where the middle of each lesion lies, on the grid of the stack."""
    if not shown.has_findings:
        return
    slices = stack.volume.shape[0]
    to_voxels = np.linalg.inv(stack.volume.affine)
    for number, place_mm in shown.lesion_places.items():
        at = to_voxels @ np.array([*place_mm, 1.0])
        yield {
            "number": number,
            "slice": int(np.clip(slices - 1 - round(float(at[0])), 0, slices - 1)),
            "row": round(float(at[1]), 1),
            "column": round(float(at[2]), 1),
        }


def _heat(stack: AxialStack) -> Iterator[tuple[str, dict[str, Any]]]:
    slices = stack.volume.shape[0]
    for index, heat_map in stack.heat_maps.items():
        yield (
            str(slices - 1 - index),
            {
                "box": [heat_map.top, heat_map.left, heat_map.height, heat_map.width],
                "levels": heat_map.levels.tolist(),
            },
        )
