"""The lesions of a reading one by one: where, how large, how sure."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.answer.reading import Reading
from worklist.reading.figures import figure_words
from worklist.words.declared_titles import titled


@dataclass(frozen=True, slots=True)
class LesionLine:
    """One lesion; `sure_percent` is None where the bundle does not say."""

    number: int
    place: str
    cells: tuple[str, ...]
    sure_percent: float | None


@dataclass(frozen=True, slots=True)
class LesionLines:
    """The list; empty where no lesion is claimed."""

    titles: tuple[str, ...] = ()
    lines: tuple[LesionLine, ...] = ()


def lesion_lines(reading: Reading | None) -> LesionLines:
    """The largest lesions, in the order of their numbers."""
    if reading is None or not reading.lesions:
        return LesionLines()
    return LesionLines(
        tuple(
            titled(one.concept.meaning, reading.report) for one in reading.lesions[0].measurements
        ),
        tuple(
            LesionLine(
                one.number,
                one.place,
                tuple(figure_words(measured) for measured in one.measurements),
                None if one.sureness is None else 100.0 * one.sureness,
            )
            for one in reading.lesions
        ),
    )
