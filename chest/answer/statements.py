"""The statements about a chest: the answer and its rule, the findings and the comparison.

English, and short: a line is one statement. What fits into coded figures is there too; here it
stands with its rule, for the reader of a text tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from chest.values.case_answer import RuleAnswer, SignAnswer, ViralAnswer
from chest.values.change_words import change_texts, change_title
from chest.values.other_disease import reservation_texts
from chest.values.reading import ChestReading
from chest.values.severity import Score, Severity, title_of, value_words
from chest.values.severity.titles import TITLES
from radiology import codes
from radiology.answer.statement import Statement, StatementInput
from radiology.clinical import ClinicalContext, ClinicalSource
from radiology.outcome import Outcome

_ANSWERS = {
    Outcome.FINDINGS: "lung opacities suspected",
    Outcome.NO_FINDINGS: "no lung opacities suspected",
}
_BY_SHAPE = (
    "Where a fissure was not seen, the border between lobes is where it is likely by the shape of "
    "the lungs"
)
_THROUGH = {"page": "entered on the page", "HL7": "received by HL7"}


def chest_statements(reading: ChestReading, clinical: ClinicalContext) -> tuple[Statement, ...]:
    """Every statement about the study as a whole; none where it is not assessable."""
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return ()
    return tuple(_statements(reading, clinical))


def _statements(reading: ChestReading, clinical: ClinicalContext) -> Iterator[Statement]:
    yield _said(_answer(reading))
    suspected = reading.outcome is Outcome.FINDINGS
    for text in reservation_texts(reading.other_disease, suspected=suspected):
        yield _said(text)
    if reading.viral is not None:
        yield _said(_type(reading.viral))
    yield from (_said(_rule(one)) for one in reading.rules)
    if reading.signs:
        yield _said("Signs are those of a classifier of whole slices, and not of the outlines")
        yield from (_said(_sign(one)) for one in reading.signs)
    if reading.severity is not None:
        yield from severity_statements(reading.severity)
        yield from (_said(one) for one in _clinical(clinical))
    prior = None if reading.course is None else reading.course.latest
    if prior is not None:
        title = change_title(prior)
        yield from (_said(f"{title}: {', '.join(texts)}") for texts in change_texts(prior))
    yield from (_said(one) for one in _territories(reading))


def _said(text: str) -> Statement:
    return Statement(codes.COMMENT, text)


def _answer(reading: ChestReading) -> str:
    confidence = reading.confidence
    return (
        f"Answer: {_ANSWERS[reading.outcome]}, probability {_percent(reading.suspicion or 0.0)} "
        f"%, threshold {_percent(reading.suspicion_threshold)} %"
        + (f", confidence {confidence.word} ({confidence.value:.2f} of 1)" if confidence else "")
    )


def _percent(share: float) -> str:
    """A share of 1 in percent."""
    return f"{round(100.0 * share, 1):.1f}"


def _type(viral: ViralAnswer) -> str:
    seen = (
        "no slice was classified"
        if viral.probability is None
        else f"probability {_percent(viral.probability)} %, mean of {viral.slices} slices"
    )
    return (
        f"Type: {viral.type.words} - a hint, no diagnosis ({seen}; suspected from "
        f"{_percent(viral.high)} %, not suspected below {_percent(viral.low)} %)"
    )


def _rule(answer: RuleAnswer) -> str:
    name = answer.rule.value.replace("_", " ")
    says = "suspected" if answer.suspected else "not suspected"
    decides = ", decides" if answer.chosen else ""
    return (
        f"Rule {name}{decides}: {answer.value:.2f} {answer.unit}, limit {answer.limit:g} ({says})"
    )


def _sign(answer: SignAnswer) -> str:
    says = "present" if answer.present else "not present"
    return (
        f"Sign {answer.sign.words}: {says}, probability {_percent(answer.probability)} %, "
        f"threshold {_percent(answer.threshold)} %"
    )


def severity_statements(severity: Severity) -> Iterator[Statement]:
    """Scores with their inputs and source, and what those without an answer lack."""
    for score in severity.scores:
        told = score.computed or score.at_least is not None
        yield Statement(
            codes.SEVERITY,
            score.label if told else None,
            topic="Severity",
            name=score.name,
            certain=score.computed,
            inputs=tuple(_input(score, number) for number in range(len(score.inputs))),
            missing=tuple(title_of(one) for one in score.missing),
            source=score.source,
            note=score.note,
            published=score.published_outcome or "",
        )


def _input(score: Score, number: int) -> StatementInput:
    given = score.inputs[number]
    unit = TITLES[given.name][1] if given.name in TITLES else ""
    return StatementInput(title_of(given.name), given.value, unit, given.points, given.met)


def _clinical(clinical: ClinicalContext) -> Iterator[str]:
    """Every clinical value that was given, and where it came from.

    Who entered it is on the page: a report leaves the house, and its reader needs no such name.
    """
    for name, value in clinical.values.facts().items():
        source = clinical.sources.get(name)
        origin = "" if source is None else f", {_origin(source)}"
        yield f"Clinical value, {title_of(name)}: {value_words(name, value)}{origin}"


def _origin(source: ClinicalSource) -> str:
    through = _THROUGH.get(source.through, f"through {source.through}")
    return f"{through} {source.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _territories(reading: ChestReading) -> Iterator[str]:
    """How the lungs were divided, so that nobody takes a zone for a lobe."""
    if any(not one.territory.is_lobe for one in reading.territories):
        yield "A zone is a third of a lung's height and no lobe: no fissure bounds it"
    for boundary in reading.boundaries:
        if not boundary.seen:
            yield f"The {boundary.name} was not seen: {boundary.reason}"
    if any(one.by_shape for one in reading.boundaries):
        yield _BY_SHAPE
