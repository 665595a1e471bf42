"""The answer to a single slice in words and figures, as pictures and pages show it, in English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedProbability:
    """How probable it is that a slice shows something, and whether it is said to."""

    words: str
    probability: float
    present: bool


@dataclass(frozen=True, slots=True)
class HintedType:
    """The type that a slice looks like; from `low` to `high` it is undetermined."""

    words: str
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SliceInWords:
    """What a page says of a slice.

    Attributes
    ----------
    reason : why it could not be assessed; empty where it was
    found : sentences; none where it could not be assessed
    areas : what, in pixels, in mm² (None where the file does not say how large a pixel is)
    hint : None where the bundle names no type
    """

    assessable: bool
    reason: str = ""
    found: tuple[str, ...] = ()
    areas: tuple[tuple[str, int, float | None], ...] = ()
    hint: HintedType | None = None
    signs: tuple[NamedProbability, ...] = ()
