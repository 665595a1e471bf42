"""Slices with reference masks, from folders of pictures or from one npz file.

Masks come in many dresses: 0 and 255, 0 and 1, class numbers, class numbers drawn in the colours
of a palette, or grey with the noise of JPEG. All masks of a folder are looked at together before
any is interpreted, because a slice with one class alone does not say which one that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.masks import Mask
from firstread.evaluate.target import Target
from radiology.errors import SettingsRefused
from worker.predict.read_picture import Grey, opened_picture, read_grey

Levels = NDArray[np.uint8]

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp"})
_MOST_LEVELS = 4  # distinct grey levels of a mask, 0 among them; more is the noise of JPEG
_WHITE = 255
# What the first two colours of the palette of PASCAL VOC, (128, 0, 0) and (0, 128, 0), become in
# grey (ITU-R BT.601); COVID-SemiSeg draws its classes in them.
_PALETTE_GREY = {38: 1, 75: 2}


@dataclass(frozen=True)
class ReferenceSlice:
    """A slice and its reference, turned as asked.

    Attributes
    ----------
    grey : uint8, shape (rows, columns); None where `hounsfield` is given
    hounsfield : float32, same shape, HU; None for pictures, whose window is unknown
    reference : same shape
    """

    name: str
    grey: Grey | None
    hounsfield: NDArray[np.float32] | None
    reference: Mask


def read_levels(path: Path) -> Levels:
    """Read a mask as the numbers that are stored: of a picture with a palette, its indices."""
    with opened_picture(path) as image:
        if image.mode == "P":
            return np.array(image, dtype=np.uint8)
    return read_grey(path)


def classes_of(masks: Mapping[str, Levels], target: Target, place: Path) -> dict[str, Mask]:
    """Interpret all masks of one folder.

    Parameters
    ----------
    masks : by name, as stored
    place : for messages

    Raises
    ------
    SettingsRefused
        One kind of lesion is asked for, and the masks do not tell kinds apart.
    """
    there = np.zeros(256, dtype=bool)
    for mask in masks.values():
        there |= np.bincount(mask.ravel(), minlength=256) > 0
    levels = [int(level) for level in np.flatnonzero(there) if level > 0]
    if len(levels) >= _MOST_LEVELS:
        if target.is_kind:
            raise SettingsRefused(
                f"The masks in {place} have more than {_MOST_LEVELS} grey levels (JPEG?), so they "
                "do not tell kinds of lesions apart; give the multi-class masks as PNG"
            )
        return {name: mask > _WHITE // 2 for name, mask in masks.items()}
    wanted = _levels_of(levels, target, place)
    return {name: np.isin(mask, wanted) for name, mask in masks.items()}


def _levels_of(levels: list[int], target: Target, place: Path) -> list[int]:
    """Which of the stored levels are the target."""
    if target is Target.LUNG:
        return levels
    if len(levels) == 1 and not target.is_kind:
        return levels
    kinds = _kinds(levels)
    if kinds is None:
        raise SettingsRefused(
            f"The masks in {place} are black and white, so they do not tell kinds of lesions "
            "apart; give the multi-class masks (1 = ground glass, 2 = consolidation)"
        )
    wanted = {Target.GROUND_GLASS: (1,), Target.CONSOLIDATION: (2,)}.get(target, (1, 2))
    return [level for level, kind in kinds.items() if kind in wanted]


def _kinds(levels: list[int]) -> dict[int, int] | None:
    """Stored level to class: 1 ground glass, 2 consolidation, 3 anything else (effusion)."""
    if set(levels) <= {1, 2, 3}:
        return {level: level for level in levels}
    if set(levels) <= set(_PALETTE_GREY):
        return {level: _PALETTE_GREY[level] for level in levels}
    if levels == [_WHITE]:
        return None
    return {level: place for place, level in enumerate(levels, start=1)}


def _pictures(folder: Path, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise SettingsRefused(f"There is no folder {folder}; name the one with the {what}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _PICTURES:
            continue
        if path.stem in found:
            raise SettingsRefused(f"{folder} has two pictures called {path.stem}; keep one")
        found[path.stem] = path
    if not found:
        raise SettingsRefused(f"There is no picture in {folder}; name the folder with the {what}")
    return found


def _stem_order(stem: str) -> tuple[int, str]:
    """2 before 10."""
    return (int(stem) if stem.isdigit() else -1, stem)


def slices_of_folders(
    images: Path, masks: Path, target: Target, quarter_turns: int = 0
) -> Iterator[ReferenceSlice]:
    """Slices whose image and mask have the same name, whatever their endings.

    Everything is checked before the first slice is given.

    Parameters
    ----------
    quarter_turns : anticlockwise, of image and mask alike

    Raises
    ------
    SettingsRefused
        A folder or a mask is missing, a picture cannot be read, or the masks do not fit.
    """
    pictures, drawn = _pictures(images, "images"), _pictures(masks, "masks")
    without = sorted(set(pictures) - set(drawn), key=_stem_order)
    if without:
        raise SettingsRefused(
            f"{masks} has no mask for {pictures[without[0]].name} (and {len(without) - 1} others); "
            "an image without lesions needs an empty mask"
        )
    stored = {stem: read_levels(drawn[stem]) for stem in sorted(pictures, key=_stem_order)}
    references = classes_of(stored, target, masks)
    for stem, reference in references.items():
        grey = read_grey(pictures[stem])
        if grey.shape != reference.shape:
            raise SettingsRefused(
                f"{pictures[stem]} has {grey.shape[0]} × {grey.shape[1]} pixels and its mask "
                f"{reference.shape[0]} × {reference.shape[1]}"
            )
        turned = np.ascontiguousarray(np.rot90(grey, quarter_turns))
        yield ReferenceSlice(stem, turned, None, _turned(reference, quarter_turns))


def _turned(mask: Mask, quarter_turns: int) -> Mask:
    turned: Mask = np.ascontiguousarray(np.rot90(mask, quarter_turns))
    return turned


def slices_of_npz(path: Path, target: Target, quarter_turns: int = 0) -> Iterator[ReferenceSlice]:
    """Slices of an npz file like `lungs2d`: `hu`, a mask called after the target, and `name`.

    Raises
    ------
    SettingsRefused
        The file cannot be read or has no such arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError) as error:
        raise SettingsRefused(f"{path} cannot be read as an npz file") from error
    missing = [name for name in ("hu", target.value) if name not in arrays]
    if missing:
        raise SettingsRefused(
            f"{path} has no array {', '.join(missing)}; it has {', '.join(sorted(arrays))}"
        )
    volume, masks = arrays["hu"], arrays[target.value]
    if volume.ndim != 3 or volume.shape != masks.shape:
        raise SettingsRefused(f"In {path} hu and {target.value} are not slices of one shape")
    names = arrays.get("name", np.arange(len(volume)))
    for name, values, mask in zip(names, volume, masks, strict=True):
        hounsfield = np.rot90(values, quarter_turns).astype(np.float32)
        yield ReferenceSlice(str(name), None, hounsfield, _turned(mask > 0, quarter_turns))
