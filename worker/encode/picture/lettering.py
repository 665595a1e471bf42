"""The lettering of the key picture: fonts that come with the program, the same on every machine.

English is written in Pillow's own scalable font, Chinese in a subset of Noto Sans SC that lies in
`fonts/`; the README there says how it was made and under which licence it is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageFont

from radiology.language import Language

Colour = tuple[int, int, int]

CHINESE_FONT = Path(__file__).parent / "fonts" / "noto-sans-sc-subset.ttf"
_CHINESE_SCALE = 0.94  # its letters are larger than those of the other font at the same size


@cache
def font(size: int, language: Language = Language.ENGLISH) -> ImageFont.FreeTypeFont:
    """The font of a language at a size in pixels.

    It has no more than the texts need: they go through `wording.worded` first.
    """
    if language is Language.CHINESE:
        return ImageFont.truetype(CHINESE_FONT, round(_CHINESE_SCALE * size))
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return loaded


def fitted(text: str, size: int, width: float, language: Language = Language.ENGLISH) -> str:
    """The text, shortened if it is wider than the room for it."""
    letters = font(size, language)
    if letters.getlength(text) <= width:
        return text
    while text and letters.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."


def wrapped(text: str, size: int, width: float, language: Language = Language.ENGLISH) -> list[str]:
    """The text in lines of at most `width`, broken between words, or between Chinese characters."""
    letters = font(size, language)
    lines, line = [], ""
    for piece in _pieces(text):
        if line and letters.getlength((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """What a line may not be broken inside of: words with the space after them, characters."""
    pieces: list[str] = []
    for character in text:
        new_word = bool(pieces) and pieces[-1].endswith(" ") and character != " "
        alone = character >= _FIRST_IDEOGRAPH and character not in _NEVER_FIRST
        after_ideograph = (
            bool(pieces) and pieces[-1][-1] >= _FIRST_IDEOGRAPH and character not in _NEVER_FIRST
        )
        if not pieces or new_word or alone or (after_ideograph and character != " "):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


_FIRST_IDEOGRAPH = "\u2e80"
_NEVER_FIRST = "，。；：、）%"
