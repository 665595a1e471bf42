"""A remark beside the figures: a title, and short lines under it.

English; a picture or a page looks each text up in the tables of its own language.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One matter of which something is said.

    Attributes
    ----------
    lines : each of texts that are looked up one by one
    joint : stands between the texts of a line
    running : whether the lines follow one another instead of standing below each other
    """

    title: str
    lines: tuple[tuple[str, ...], ...]
    joint: str = ": "
    running: bool = False
