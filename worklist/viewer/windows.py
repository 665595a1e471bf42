"""The window of the slice viewer that a bundle declares; those of any body stand in the page."""

from __future__ import annotations

from dataclasses import dataclass

from database.views.worklist.worklist_facts import ResultFacts
from models.older_readings import brief_if_readable
from worklist.words.declared_titles import titled
from worklist.words.translations import translated

_USUAL_NAMES = {(-600.0, 1500.0): "Lung", (40.0, 80.0): "Brain"}  # by centre and width in HU


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A window that pictures of a bundle are drawn in (PS3.3 C.11.2.1.2).

    Attributes
    ----------
    title : the usual name of the window, or what the bundle reads; for a button
    """

    title: str
    centre_hu: float
    width_hu: float


def window_lines(result: ResultFacts | None) -> tuple[WindowLine, ...]:
    """The window that the bundle of a result declares; none where it declares none.

    The viewer shows the slices of this result, and in slices of a head the window of lungs that
    another bundle declares shows nothing.
    """
    reading = None if result is None else brief_if_readable(result.reading)
    if reading is None or reading.report.window_hu is None:
        return ()
    report, window_hu = reading.report, reading.report.window_hu
    title = translated(_USUAL_NAMES.get(window_hu, "")) or titled(report.title, report)
    return (WindowLine(title[:1].upper() + title[1:], *window_hu),)
