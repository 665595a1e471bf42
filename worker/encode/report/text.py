"""The text of the report: urgency and its rule, the statements of the reading, the checks.

PS3.16 TID 1500 row 12 and below. English, and short: a line is one statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from radiology import codes
from radiology.answer.statement import Statement
from radiology.codes import Code
from radiology.outcome import QualityGate
from radiology.words.gate_reasons import without_stop
from worker.encode.derived_object import DISCLAIMER, ResultContext

Line = tuple[Code, str]
"""What a text is, and the text."""


def report_lines(context: ResultContext) -> list[Line]:
    """Every statement of the report, the disclaimer first."""
    texts = [DISCLAIMER]
    if context.triage is None:
        texts.append(
            "NOT ASSESSABLE: this study was not cleared by the algorithm; read it as if it had "
            "not been analysed"
        )
    else:
        texts.append(f"Urgency: {context.triage.urgency.value} ({context.triage.rule})")
        texts += _statements(context.reading.statements)
    lines = [(codes.COMMENT, text) for text in texts]
    lines += [(codes.QUALITY_FINDING, text) for text in _quality(context)]
    return [*lines, (codes.COMMENT, _algorithm(context))]


def _statements(statements: Sequence[Statement]) -> Iterator[str]:
    """Sentences, by their name where they have one; scores of one topic by whether there is any."""
    for topic, of_topic in groupby(statements, key=lambda one: one.topic):
        told = list(of_topic)
        if topic:
            yield from _scores(topic, told)
        else:
            yield from (
                f"{one.name}: {one.answer}" if one.name else one.answer
                for one in told
                if isinstance(one.answer, str)
            )


def _scores(topic: str, scores: Sequence[Statement]) -> Iterator[str]:
    """Scores with their inputs and source; of those without a certain answer, what is missing."""
    for score in scores:
        if score.answer is not None:
            answer = score.answer.meaning if isinstance(score.answer, Code) else score.answer
            yield f"{topic}, {score.name}: {answer}{_inputs(score)}. {score.note}".strip()
            yield f"Source of {score.name}: {score.source}"
    for score in scores:
        if score.missing and not (score.answer is not None and score.certain):
            yield f"{topic}, {score.name}: not computed; missing: {', '.join(score.missing)}"


def _inputs(statement: Statement) -> str:
    given = [f"{one.title} {one.words}" for one in statement.inputs if one.value is not None]
    return f" from {', '.join(given)}" if given else ""


def _quality(context: ResultContext) -> Iterator[str]:
    reading = context.reading
    yield from (_not_passed(gate) for gate in reading.failed_gates)
    yield from (f"Warning, {_not_passed(gate)}" for gate in reading.warnings)
    passed = [gate for gate in reading.gates if gate.passed]
    yield f"Quality checks passed: {len(passed)} of {len(reading.gates)}"
    if passed:
        yield "Checked and passed: " + ", ".join(f"{gate.name} ({gate.seen})" for gate in passed)


def _not_passed(gate: QualityGate) -> str:
    reason = without_stop(gate.reason or "failed")
    return f"{gate.name}: {reason} (seen {gate.seen}, needed {gate.limit})"


def _algorithm(context: ResultContext) -> str:
    algorithm = context.algorithm
    return (
        f"Algorithm: {algorithm.label}, sha256 {algorithm.bundle_digest}; "
        f"Firstread {context.software_version}"
    )
