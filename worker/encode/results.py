"""Encodes every object of a result once, for all destinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

from PIL import Image
from pydicom import Dataset

from radiology.encoding_profile import EncodingChoice
from radiology.urgency import Urgency
from worker.encode.derived_object import EncodedKind, EncodedObject, ReportForm, ResultContext
from worker.encode.picture.key_picture import encode_secondary_capture, render_key_picture
from worker.encode.recipes import Recipe, SegmentationVariant, recipes_of
from worker.encode.report.measurement_groups import measured_groups
from worker.encode.report.measurement_report import encode_measurement_report
from worker.encode.report.quantification_report import encode_quantification_report
from worker.encode.report.summary_document import encode_summary
from worker.encode.segmentation.build import encode_segmentation


def plan_results(context: ResultContext, choice: EncodingChoice) -> tuple[Recipe, ...]:
    """What one destination gets of a reading; nothing where there is nothing to show."""
    if not context.can_be_shown:
        return ()
    return recipes_of(
        choice,
        context.reading.outcome,
        lesions_outlined=context.masks.has_outlined_findings,
        urgent=context.triage is not None and context.triage.urgency is Urgency.URGENT,
        reported=context.masks.has_any or bool(measured_groups(context.reading)),
    )


def encode_results(
    context: ResultContext,
    recipes: Sequence[Recipe] | None = None,
    *,
    picture: Callable[[], Image.Image] | None = None,
) -> tuple[EncodedObject, ...]:
    """Encode what destinations want of a reading.

    Parameters
    ----------
    recipes : from `plan_results`; None for what a destination gets by default
    picture : gives it as `render_key_picture` draws it, if the caller has it; asked for when the
        first object shows it

    Returns
    -------
    One object for each recipe, in the same order: what a report names as evidence comes before it.
    None at all where there is nothing to show.
    """
    if not context.can_be_shown:
        return ()
    making = _Making(context, picture)
    wanted = plan_results(context, EncodingChoice()) if recipes is None else recipes
    return tuple(EncodedObject(one.kind, making.make(one), one.word) for one in wanted)


class _Making:
    """One result; what several objects need is made when it is first asked for."""

    def __init__(self, context: ResultContext, picture: Callable[[], Image.Image] | None) -> None:
        self._context = context
        self._drawn = cache(picture or partial(render_key_picture, context))
        self._segmentations: dict[SegmentationVariant, Dataset] = {}

    def make(self, recipe: Recipe) -> Dataset:
        """Make one object.

        Raises
        ------
        ValueError
            The recipe is for another reading: this one gives no such object.
        """
        match recipe.kind:
            case EncodedKind.SEG:
                made = self._segmentation(recipe)
            case EncodedKind.SR if recipe.report is ReportForm.MACHINE:
                segmentation = self._segmentation(recipe)
                earlier = self._context.earlier_reports.machine_predecessors
                made = segmentation and encode_quantification_report(
                    self._context, segmentation, predecessor=earlier.get(recipe.word)
                )
            case EncodedKind.SR:
                made = encode_measurement_report(
                    self._context, segmentation=self._segmentation(recipe)
                )
            case EncodedKind.SC:
                made = encode_secondary_capture(self._context, self._drawn(), marked=recipe.marked)
            case EncodedKind.PDF:
                made = encode_summary(self._context, self._drawn())
        if made is None:
            raise ValueError(f"this reading gives no {recipe.word}")
        return made

    def _segmentation(self, recipe: Recipe) -> Dataset | None:
        variant = recipe.segmentation
        if variant is None:
            return None
        if variant not in self._segmentations:
            made = encode_segmentation(self._context, variant)
            if made is None:
                return None
            self._segmentations[variant] = made
        return self._segmentations[variant]
