"""Pictures of what the networks of the folds get wrong: what was drawn beside what was found.

They show slices of the training data, so they are for looking at, and not for the repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from training.chest.predict import LesionLimits, lesions_of
from training.chest.stages import FoldAnswers
from training.data.slices import SliceSet

Masks = NDArray[np.bool_]
Colour = tuple[int, int, int]

_ENLARGED: Final = 2
_LOW_HU, _HIGH_HU = -1350.0, 150.0  # the lung window
_DRAWN: Final[Colour] = (0, 158, 115)
_FOUND: Final[Colour] = (230, 159, 0)
_WORDS_PX: Final = 16  # room above the panels


@dataclass(frozen=True)
class Mistake:
    """A slice that was read wrong.

    Attributes
    ----------
    at : its place in the set
    missed, false : pixels that were drawn and not found, and the other way round
    """

    scan: str
    at: int
    missed: int
    false: int

    @property
    def file(self) -> str:
        """Name of its picture."""
        return f"{self.scan}-{self.at:04d}.png"


def worst_of_each_scan(slices: SliceSet, found: Masks, drawn: Masks) -> list[Mistake]:
    """Of each scan the slice in which most is missed, and the one in which most is false.

    Parameters
    ----------
    found, drawn : shape (slices, rows, columns)

    Returns
    -------
    In the order of the scans' names; a scan without a mistake has none.
    """
    missed = np.count_nonzero(drawn & ~found, axis=(1, 2))
    false = np.count_nonzero(found & ~drawn, axis=(1, 2))
    mistakes = []
    for scan in sorted(set(slices.sources)):
        places = np.flatnonzero([source == scan for source in slices.sources])
        worst = {int(places[int(np.argmax(wrong[places]))]) for wrong in (missed, false)}
        mistakes += [
            Mistake(scan, at, int(missed[at]), int(false[at]))
            for at in sorted(worst)
            if missed[at] or false[at]
        ]
    return mistakes


def write_mistakes(answered: Sequence[FoldAnswers], limits: LesionLimits, folder: Path) -> Path:
    """Write a picture of each slice, and a table of all of them; returns the table's path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["scan,slice,missed_pixels,false_pixels,picture"]
    for slices, found, drawn in _read_by_folds(answered, limits):
        for one in worst_of_each_scan(slices, found, drawn):
            _picture(slices.hu[one.at], found[one.at], drawn[one.at], one).save(folder / one.file)
            lines.append(f"{one.scan},{one.at},{one.missed},{one.false},{one.file}")
    table = folder / "mistakes.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def _read_by_folds(
    answered: Sequence[FoldAnswers], limits: LesionLimits
) -> Iterator[tuple[SliceSet, Masks, Masks]]:
    """Scans with lesions, then volumes without: there all that is found is false."""
    for one in answered:
        found = lesions_of(one.scans, one.of_scans, limits)
        yield one.scans, found, one.scans.lesion > 0
        for slices, predicted in one.without_pneumonia:
            seen = lesions_of(slices, predicted, limits)
            yield slices, seen, np.zeros_like(seen)


def _picture(hu: NDArray[np.float16], found: Masks, drawn: Masks, said: Mistake) -> Image.Image:
    """The slice alone, and with both outlines."""
    share = (hu.astype(np.float32) - _LOW_HU) / (_HIGH_HU - _LOW_HU)
    grey = Image.fromarray((share.clip(0.0, 1.0) * 255.0).astype(np.uint8))
    size = (grey.width * _ENLARGED, grey.height * _ENLARGED)
    plain = np.asarray(grey.resize(size, Image.Resampling.BICUBIC).convert("RGB"))
    outlined = plain.copy()
    for mask, colour in ((drawn, _DRAWN), (found, _FOUND)):
        large = np.kron(mask, np.ones((_ENLARGED, _ENLARGED), dtype=bool))
        outlined[large & ~ndimage.binary_erosion(large)] = colour
    sheet = Image.new("RGB", (2 * size[0], size[1] + _WORDS_PX))
    sheet.paste(Image.fromarray(plain), (0, _WORDS_PX))
    sheet.paste(Image.fromarray(outlined), (size[0], _WORDS_PX))
    write = ImageDraw.Draw(sheet)
    write.text((4, 2), f"{said.scan}, slice {said.at}", fill="white")
    write.text((size[0] + 4, 2), f"drawn, {said.missed} pixels missed", fill=_DRAWN)
    write.text((size[0] + 260, 2), f"found, {said.false} pixels false", fill=_FOUND)
    return sheet
