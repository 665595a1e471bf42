"""Windows of the slice viewer that bundles declare; those that fit any body stand in the page."""

from __future__ import annotations

from dataclasses import dataclass

from database.views.worklist_facts import WorklistRow
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


def window_lines(*rows: WorklistRow) -> tuple[WindowLine, ...]:
    """The windows that bundles with a result declare, each once.

    Parameters
    ----------
    rows : of one study; the windows of the first stand first
    """
    results = (
        result
        for row in rows
        for result in (row.result, *(one.result for one in row.answers))
        if result is not None
    )
    found: dict[tuple[float, float], WindowLine] = {}
    for result in results:
        reading = brief_if_readable(result.reading)
        if reading is not None and reading.report.window_hu is not None:
            title = translated(_USUAL_NAMES.get(reading.report.window_hu, "")) or titled(
                reading.report.title, reading.report
            )
            line = WindowLine(title[:1].upper() + title[1:], *reading.report.window_hu)
            found.setdefault(reading.report.window_hu, line)
    return tuple(found.values())
