"""What the report says in words: the answer and its rule, and what was checked and seen.

PS3.16 TID 1500 row 12 and below. English, and short: a line is one statement. What fits into
coded figures is there too; here it stands with its rule, for the reader of a text tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from radiology import codes
from radiology.chest.case_answer import RuleAnswer, SignAnswer, ViralAnswer
from radiology.chest.severity import (
    ClinicalContext,
    ClinicalSource,
    Score,
    Severity,
    title_of,
    value_words,
)
from radiology.codes import Code
from radiology.outcome import Outcome, QualityGate
from radiology.urgency import Triage
from worker.encode.derived_object import DISCLAIMER, ResultContext
from worker.encode.figures import percent
from worker.encode.prior_change import change_texts, change_title

Line = tuple[Code, str]
"""What a text is, and the text."""

_ANSWERS = {
    Outcome.FINDINGS: "lung opacities suspected",
    Outcome.NO_FINDINGS: "no lung opacities suspected",
}
_THROUGH = {"page": "entered on the page", "HL7": "received by HL7"}


def report_lines(context: ResultContext) -> list[Line]:
    """Every statement of the report, the disclaimer first."""
    texts = [DISCLAIMER]
    if context.triage is None:
        texts.append(
            "NOT ASSESSABLE: this study was not cleared by the algorithm; read it as if it had "
            "not been analysed"
        )
    else:
        texts += _answer(context, context.triage)
    lines = [(codes.COMMENT, text) for text in texts]
    lines += [(codes.QUALITY_FINDING, text) for text in _quality(context)]
    return [*lines, (codes.COMMENT, _algorithm(context))]


def _answer(context: ResultContext, triage: Triage) -> Iterator[str]:
    reading = context.reading
    yield f"Urgency: {triage.urgency.value} ({triage.rule})"
    confidence = reading.confidence
    yield (
        f"Answer: {_ANSWERS[reading.outcome]}, probability {percent(reading.suspicion or 0.0):.1f} "
        f"%, threshold {percent(reading.suspicion_threshold):.1f} %"
        + (f", confidence {confidence.word} ({confidence.value:.2f} of 1)" if confidence else "")
    )
    if reading.viral is not None:
        yield _type(reading.viral)
    yield from (_rule(one) for one in reading.rules)
    if reading.signs:
        yield "Signs are those of a classifier of whole slices, and not of the outlines"
        yield from (_sign(one) for one in reading.signs)
    if reading.severity is not None:
        yield from _severity(reading.severity)
        yield from _clinical(context.clinical)
    if context.prior is not None:
        title = change_title(context.prior)
        yield from (f"{title}: {', '.join(texts)}" for texts in change_texts(context.prior))
    yield from _territories(context)


def _type(viral: ViralAnswer) -> str:
    seen = (
        "no slice was classified"
        if viral.probability is None
        else f"probability {percent(viral.probability):.1f} %, mean of {viral.slices} slices"
    )
    return (
        f"Type: {viral.type.words} - a hint, no diagnosis ({seen}; suspected from "
        f"{percent(viral.high):.1f} %, not suspected below {percent(viral.low):.1f} %)"
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
        f"Sign {answer.sign.words}: {says}, probability {percent(answer.probability):.1f} %, "
        f"threshold {percent(answer.threshold):.1f} %"
    )


def _severity(severity: Severity) -> Iterator[str]:
    """Scores with their inputs and source; of those without an answer, what is missing."""
    for score in severity.scores:
        if score.computed or score.at_least is not None:
            yield f"Severity, {score.name}: {score.label}{_inputs(score)}. {score.note}".strip()
            yield f"Source of {score.name}: {score.source}"
    missing = {score.name: score.missing for score in severity.scores if not score.computed}
    for name, inputs in missing.items():
        if inputs:
            titles = ", ".join(title_of(one) for one in inputs)
            yield f"Severity, {name}: not computed; missing: {titles}"


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


def _inputs(score: Score) -> str:
    given = [
        f"{title_of(one.name)} {value_words(one.name, one.value)}"
        for one in score.inputs
        if one.value is not None
    ]
    return f" from {', '.join(given)}" if given else ""


def _territories(context: ResultContext) -> Iterator[str]:
    """How the lungs were divided, so that nobody takes a zone for a lobe."""
    reading = context.reading
    if any(not one.territory.is_lobe for one in reading.territories):
        yield "A zone is a third of a lung's height and no lobe: no fissure bounds it"
    for boundary in reading.boundaries:
        if not boundary.seen:
            yield f"The {boundary.name} was not seen: {boundary.reason}"


def _quality(context: ResultContext) -> Iterator[str]:
    reading = context.reading
    yield from (_not_passed(gate) for gate in reading.failed_gates)
    yield from (f"Warning, {_not_passed(gate)}" for gate in reading.warnings)
    passed = [gate for gate in reading.gates if gate.passed]
    yield f"Quality checks passed: {len(passed)} of {len(reading.gates)}"
    if passed:
        yield "Checked and passed: " + ", ".join(f"{gate.name} ({gate.seen})" for gate in passed)


def _not_passed(gate: QualityGate) -> str:
    return f"{gate.name}: {gate.reason or 'failed'} (seen {gate.seen}, needed {gate.limit})"


def _algorithm(context: ResultContext) -> str:
    algorithm = context.algorithm
    return (
        f"Algorithm: {algorithm.label}, sha256 {algorithm.bundle_digest}; "
        f"Firstread {context.software_version}"
    )
