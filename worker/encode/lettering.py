"""The lettering of the key picture: Pillow's own scalable font, the same on every machine."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

Colour = tuple[int, int, int]


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels.

    It has ASCII and a little more: texts go through `coded_concepts.plain_text` first.
    """
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return loaded
