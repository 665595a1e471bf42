"""The slices of the earlier study that changes are measured against, for the viewer to put beside.

The course of a reading names the studies of the same patient that it used (docs/priors.md); the
latest of them whose slices are kept is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from database.session import query
from database.views.worklist.worklist_facts import ResultFacts
from database.views.worklist.worklist_rows import study_page
from radiology.answer.reading import Reading, TimePoint
from worklist.page.screens import PageContext
from worklist.viewer.slice_stack import has_stack_beside


@dataclass(frozen=True, slots=True)
class EarlierSlices:
    """A result of an earlier study whose slices are kept.

    Attributes
    ----------
    day : when the images were made, as the scanner's clock said it; empty where it did not
    """

    result_id: int
    day: str


def earlier_slices(
    context: PageContext, result: ResultFacts | None, reading: Reading | None
) -> EarlierSlices | None:
    """What may be shown beside the slices of a result; None where there is nothing."""
    if result is None or reading is None:
        return None
    for point in _earlier_points(reading):
        found = _kept_of(context, point, result.bundle)
        if found is not None:
            return found
    return None


def _earlier_points(reading: Reading) -> tuple[TimePoint, ...]:
    """The study that was compared with, then the others of the course, the latest first."""
    compared = () if reading.comparison is None else (reading.comparison.earlier,)
    others = tuple(reversed(reading.course[:-1]))
    return tuple(one for one in (*compared, *others) if one.study_instance_uid)


def _kept_of(context: PageContext, point: TimePoint, bundle: str) -> EarlierSlices | None:
    """The kept slices of one study, those of the same bundle before another's."""
    with query(context.engine) as session:
        page = study_page(session, point.study_instance_uid)
    if page is None:
        return None
    results = [one.result for one in page.row.answers if one.result is not None]
    for result in sorted(results, key=lambda one: one.bundle != bundle):
        if result.withdrawn_at is None and has_stack_beside(context, result.key_picture):
            day = "" if point.acquired_at is None else f"{point.acquired_at:%Y-%m-%d}"
            return EarlierSlices(result.id, day)
    return None
