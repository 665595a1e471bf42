"""Derives the labels of a study's slices from a judgement: what to train on, what to draw first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chest.values.case_answer import PneumoniaType
from radiology.feedback import Fault, is_called
from radiology.urgency import Urgency

_TO_DRAW = frozenset({Fault.MISSED, Fault.WRONG_REGION})


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a study's slices, as the reader sees it.

    Attributes
    ----------
    to_draw : the outlines are wrong or incomplete, and nobody has drawn better ones yet
    outlined : whether our outlines hold; otherwise there is nothing to outline
    covid : the column of `labels.csv`: "1", "0", or "" where nobody said; for slices without an
        outline of a study that has some it is always ""
    """

    to_draw: bool
    outlined: bool
    covid: str


def truth_of(
    urgency: Urgency, faults: Collection[Fault], pneumonia_type: PneumoniaType | None
) -> Truth:
    """Read a judgement.

    Parameters
    ----------
    urgency, pneumonia_type : as the result said
    faults : what the reader found wrong; none: they agree
    """
    if Fault.FALSE_POSITIVE in faults:
        return Truth(to_draw=False, outlined=False, covid="0")
    to_draw = bool(_TO_DRAW & set(faults))
    if not is_called(urgency):
        return Truth(to_draw, outlined=True, covid="" if to_draw else "0")
    return Truth(to_draw, outlined=True, covid=_covid(pneumonia_type, Fault.WRONG_TYPE in faults))


def _covid(pneumonia_type: PneumoniaType | None, wrong: bool) -> str:
    """Of "undetermined" the opposite is not known."""
    if pneumonia_type is PneumoniaType.VIRAL_SUSPECTED:
        return "0" if wrong else "1"
    if pneumonia_type is PneumoniaType.NOT_SUSPECTED:
        return "1" if wrong else "0"
    return ""
