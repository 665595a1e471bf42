"""Recipes: the distinct objects that destinations want of one result, each encoded once.

Pure planning: what a destination chose and how a reading ended give the recipes; two destinations
that chose alike share their objects, with the same UIDs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.outcome import Outcome
from worker.encode.derived_object import MARKED, EncodedKind, ReportForm

_SCOPE_WORDS = {SegmentScope.ANATOMY: "lungs"}  # as rows of 0.1.0 call it; UIDs follow from it


@dataclass(frozen=True, slots=True)
class SegmentationVariant:
    """One way to write the segmentation of a result; the default is what most viewers take."""

    form: SegmentationForm = SegmentationForm.BINARY
    scope: SegmentScope = SegmentScope.LESIONS
    omit_empty_frames: bool = True

    @property
    def word(self) -> str:
        """Says it in short; UIDs follow from it."""
        frames = "" if self.omit_empty_frames else ":every-frame"
        return f"{self.form}:{_SCOPE_WORDS.get(self.scope, self.scope)}{frames}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One object to be made.

    Attributes
    ----------
    report : which of the two reports; None for what is no report
    segmentation : the variant that this object is, or that a report names as evidence
    marked : whether its series sorts to the top, for a PACS that knows no flag
    """

    kind: EncodedKind
    report: ReportForm | None = None
    segmentation: SegmentationVariant | None = None
    marked: bool = False

    @property
    def word(self) -> str:
        """What the database calls it: "SEG:binary:lesions", "SR:viewer", "SC" and so on."""
        parts: list[str] = [self.kind]
        if self.report is not None:
            parts.append(self.report)
        if self.segmentation is not None:
            parts.append(self.segmentation.word)
        if self.marked:
            parts.append(MARKED)
        return ":".join(parts)


def recipes_of(
    choice: EncodingChoice,
    outcome: Outcome,
    *,
    lesions_outlined: bool,
    urgent: bool = False,
    reported: bool = True,
) -> tuple[Recipe, ...]:
    """What one destination gets of a result, in the order in which it is sent.

    Parameters
    ----------
    lesions_outlined : whether there is a voxel to be segmented; without one there is no
        segmentation, and no report for machines either, since its groups would refer to nothing
    reported : whether there is something to point at, or something measured; without either there
        is no report for viewers
    """
    variant = None
    if outcome is Outcome.FINDINGS and lesions_outlined:
        variant = SegmentationVariant(choice.segmentation, choice.scope, choice.omit_empty_frames)
    recipes: list[Recipe] = []
    if choice.profile is not EncodingProfile.LEGACY:
        if variant is not None:
            recipes.append(Recipe(EncodedKind.SEG, segmentation=variant))
        if reported:
            recipes.append(Recipe(EncodedKind.SR, ReportForm.VIEWER, variant))
        if choice.profile is EncodingProfile.MACHINE and variant is not None:
            recipes.append(Recipe(EncodedKind.SR, ReportForm.MACHINE, variant))
    told_otherwise = reported or choice.encapsulated_pdf
    if choice.capture_when_negative or outcome is not Outcome.NO_FINDINGS or not told_otherwise:
        recipes.append(Recipe(EncodedKind.SC, marked=urgent and choice.mark_urgent))
    if choice.encapsulated_pdf:
        recipes.append(Recipe(EncodedKind.PDF))
    return tuple(recipes)


def united(plans: Iterable[tuple[Recipe, ...]]) -> tuple[Recipe, ...]:
    """Every recipe of several destinations once, evidence before what names it."""
    order = list(EncodedKind)
    wanted = dict.fromkeys(recipe for plan in plans for recipe in plan)
    return tuple(sorted(wanted, key=lambda recipe: order.index(recipe.kind)))
