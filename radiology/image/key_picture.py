"""The place of the key slice on the key picture, stored in the picture's file.

A PNG file can carry texts by keyword (W3C PNG Specification, tEXt). The worker writes one beside
the pixels, and the page cuts the thumbnail of its list out by it: a whole montage says nothing at
the size of a stamp.
"""

from __future__ import annotations

from typing import Final, TypeAlias

KEYWORD: Final = "Key slice"

Box: TypeAlias = tuple[int, int, int, int]


def panel_entry(box: Box) -> str:
    """The text for a panel.

    Parameters
    ----------
    box : left, top, right, bottom in pixels; right and bottom lie just outside
    """
    return " ".join(str(edge) for edge in box)


def panel_of(entry: str | None, width: int, height: int) -> Box | None:
    """The panel that a picture's text names.

    Parameters
    ----------
    entry : what stands under `KEYWORD`; None in pictures made before there was such a text
    width, height : of the picture, in pixels

    Returns
    -------
    None where there is no text, or where it names no box on the picture.
    """
    words = (entry or "").split()
    if len(words) != 4 or not all(word.isascii() and word.isdigit() for word in words):
        return None
    left, top, right, bottom = (int(word[:6]) for word in words)
    if not (left < right <= width and top < bottom <= height):
        return None
    return left, top, right, bottom
