"""The remarks on a chest beside its figures: change, type, severity, signs, lobes and the rule."""

from __future__ import annotations

from collections.abc import Iterator

from chest.answer.effusion import effusion_remark
from chest.values.case_answer import RuleAnswer, ViralAnswer
from chest.values.change_words import change_texts, change_title
from chest.values.other_disease import reservation_texts
from chest.values.reading import ChestReading
from chest.values.severity import Severity
from models.schema_2.case import CaseRule
from radiology.answer.remark import Remark
from radiology.outcome import Outcome

_RULES = {
    CaseRule.LESION_SHARE: "Lesions in {:.2f} % of the lungs, limit {:g} %",
    CaseRule.CONSECUTIVE_SLICES: "Lesions in {:.0f} slices running, limit {:g}",
    CaseRule.POSITIVE_SLICES: "Lesions in {:.1f} % of the slices, limit {:g} %",
    CaseRule.MAXIMUM: "Lesions in {:.1f} % of a slice's lung, limit {:g} %",
}


def chest_remarks(reading: ChestReading) -> tuple[Remark, ...]:
    """Everything that is said; no remark where nothing was asked."""
    return tuple(_remarks(reading))


def _remarks(reading: ChestReading) -> Iterator[Remark]:
    if reserved := tuple((one,) for one in _reservations(reading)):
        yield Remark("Reservation", reserved)
    prior = None if reading.course is None else reading.course.latest
    if prior is not None and (changed := tuple(change_texts(prior))):
        yield Remark(change_title(prior), changed, joint=", ")
    if reading.viral is not None:
        yield Remark("Type (a hint, no diagnosis)", _type(reading.viral))
    if reading.severity is not None:
        yield Remark("Severity", _severity(reading.severity))
    if reading.signs:
        yield Remark("Signs", _signs(reading))
    yield from effusion_remark(reading)
    if lobes := _lobes(reading):
        yield Remark("Lobes", lobes)
    chosen = tuple((_rule(one),) for one in reading.rules if one.chosen)
    if chosen:
        yield Remark("Rule that decides", chosen)


def _reservations(reading: ChestReading) -> Iterator[str]:
    suspected = reading.outcome is Outcome.FINDINGS
    return reservation_texts(reading.other_disease, suspected=suspected)


def _type(viral: ViralAnswer) -> tuple[tuple[str, ...], ...]:
    if viral.probability is None:
        return ((viral.type.words,), ("no slice was classified",))
    seen = f"{_percent(viral.probability):.1f} %, mean of {viral.slices} slices"
    return ((viral.type.words,), (seen,))


def _severity(severity: Severity) -> tuple[tuple[str, ...], ...]:
    """The scores of the images, and of the others those with an answer."""
    mosmed, ct_severity, *others = severity.scores
    answered = [one for one in others if one.computed or one.at_least is not None]
    return tuple((one.name, one.label) for one in (mosmed, ct_severity, *answered))


def _signs(reading: ChestReading) -> tuple[tuple[str, ...], ...]:
    present = [one for one in reading.signs if one.present]
    if not present:
        return (("none said to be present",),)
    return tuple((one.sign.words, f"{_percent(one.probability):.1f} %") for one in present)


def _lobes(reading: ChestReading) -> tuple[tuple[str, ...], ...]:
    """Only where a reader would else take the table for what it is not."""
    shown = [one.territory for one in reading.territories if one.volume_ml > 0]
    if any(not one.is_lobe for one in shown):
        return (("Zones are thirds of a lung's height, no lobes",),)
    missing = [(f"{one.name} not seen",) for one in reading.boundaries if not one.seen]
    by_shape = any(one.by_shape for one in reading.boundaries)
    return (*missing, ("lobes there by the shape of the lungs",)) if by_shape else tuple(missing)


def _rule(answer: RuleAnswer) -> str:
    return _RULES[answer.rule].format(answer.value, answer.limit)


def _percent(share: float) -> float:
    """A share of 1 in percent."""
    return round(100.0 * share, 1)
