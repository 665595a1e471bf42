"""Restores a reading from what version 0.1.0 stored of a chest: facts without version or voxels.

A field that is not there was not known to the version that stored it, and has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from chest.answer.make import answer_of
from chest.triage.urgency import decided
from chest.values.case_answer import Confidence, RuleAnswer, SignAnswer, ViralAnswer
from chest.values.change import Change, LesionChange, PriorComparison, RegistrationQuality
from chest.values.chest_map import MappedLesion
from chest.values.course import Course, CoursePoint
from chest.values.effusion import Effusion
from chest.values.figures import LungFigures, Side
from chest.values.other_disease import OtherDisease
from chest.values.reading import ChestReading
from chest.values.severity import Score, Severity
from chest.values.territory import Boundary, Territory, TerritoryFigures
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.known import HEADERS, KnownValue
from radiology.answer.plain_values import from_plain
from radiology.answer.reading import Reading
from radiology.clinical import ClinicalContext, ClinicalSource, ClinicalValues
from radiology.earlier import NotCompared
from radiology.outcome import Outcome, QualityGate
from radiology.urgency import RuleSeen, Triage

Facts = Mapping[str, Any]
Value = TypeVar("Value")


def reading_of_0_1_0(facts: Facts) -> Reading:
    """The reading that version 0.1.0 stored.

    Raises
    ------
    ValueError, KeyError
        It is not what that version stored.
    """
    rules, clinical = _each(RuleSeen, facts.get("urgency_rules")), _clinical(facts)
    decided_by = decided(rules)
    triage = None if decided_by is None else Triage(decided_by.urgency, decided_by.name)
    return replace(
        answer_of(chest_reading_of(facts), None, triage, clinical),
        urgency_rules=rules,
        known=_known(facts),
    )


def chest_reading_of(facts: Facts) -> ChestReading:
    """All that was stored of a `ChestReading`."""
    acquired_at = facts.get("acquired_at")
    return ChestReading(
        outcome=Outcome(facts["outcome"]),
        algorithm=from_plain(AlgorithmIdentity, facts["algorithm"]),
        suspicion=facts.get("suspicion"),
        suspicion_threshold=float(facts.get("suspicion_threshold") or 0.0),
        figures={
            Side(side): from_plain(LungFigures, {**figures, "side": side})
            for side, figures in (facts.get("figures") or {}).items()
        },
        gates=_each(QualityGate, facts.get("gates")),
        key_slice=facts.get("key_slice"),
        regions=None,
        viral=_perhaps(ViralAnswer, facts.get("viral")),
        signs=_each(SignAnswer, facts.get("signs")),
        rules=_each(RuleAnswer, facts.get("rules")),
        confidence=_perhaps(Confidence, facts.get("confidence")),
        territories=_each(TerritoryFigures, facts.get("territories")),
        boundaries=_each(Boundary, facts.get("boundaries")),
        severity=_severity(facts.get("severity")),
        effusion=_perhaps(Effusion, facts.get("effusion")),
        other_disease=_perhaps(OtherDisease, facts.get("other_disease")),
        acquired_at=None if acquired_at is None else datetime.fromisoformat(acquired_at),
        lesions=_each(MappedLesion, facts.get("lesions")),
        course=_course(facts.get("course")),
    )


def _each(kind: type[Value], plain: Any) -> tuple[Value, ...]:
    return tuple(from_plain(kind, one) for one in plain or ())


def _perhaps(kind: type[Value], plain: Any) -> Value | None:
    return from_plain(kind, plain) if plain else None


def _severity(plain: Any) -> Severity | None:
    """The scores in the order of `Severity.scores`, which is that of its fields."""
    return Severity(*_each(Score, plain["scores"])) if plain else None


def _course(plain: Any) -> Course | None:
    if not plain:
        return None
    return Course(
        points=_each(CoursePoint, plain.get("points")),
        comparisons=tuple(_comparison(one) for one in plain.get("comparisons") or ()),
        not_compared=_each(NotCompared, plain.get("not_compared")),
    )


def _comparison(plain: Facts) -> PriorComparison:
    then_at, now_at = (
        None if (at := plain.get(name)) is None else datetime.fromisoformat(at)
        for name in ("then_at", "now_at")
    )
    return PriorComparison(
        study_instance_uid=str(plain["study_instance_uid"]),
        then_at=then_at,
        now_at=now_at,
        registration=from_plain(RegistrationQuality, plain["registration"]),
        lungs={Side(side): from_plain(Change, one) for side, one in plain["lungs"].items()},
        territories={
            Territory(change["territory"]): from_plain(Change, change)
            for change in plain["territories"]
        },
        lesions=_each(LesionChange, plain["lesions"]),
    )


def _clinical(facts: Facts) -> ClinicalContext:
    """What was given of the patient; values that are refused today were used then, and are told."""
    context = facts.get("context") or {}
    return ClinicalContext(
        values=from_plain(ClinicalValues, context.get("given") or {}),
        sources={
            name: from_plain(ClinicalSource, source)
            for name, source in (context.get("sources") or {}).items()
        },
    )


def _known(facts: Facts) -> tuple[KnownValue, ...]:
    """What was given, with its source, then what the headers stated; refused today or not.

    What was read with nothing but age and sex of the headers has them among the inputs of its
    rules.
    """
    context = facts.get("context") or {}
    sources, headers = context.get("sources") or {}, context.get("headers")
    stated = headers if isinstance(headers, Mapping) else _inputs(facts, "age_years", "sex")
    return _each(
        KnownValue,
        (
            *(
                {**sources.get(name, {}), "name": name, "value": value}
                for name, value in (context.get("given") or {}).items()
            ),
            *({"name": name, "value": value, "through": HEADERS} for name, value in stated.items()),
        ),
    )


def _inputs(facts: Facts, *names: str) -> dict[str, Any]:
    """What the rules of the severity were given under these names."""
    return {
        given["name"]: given["value"]
        for score in (facts.get("severity") or {}).get("scores") or ()
        for given in score.get("inputs") or ()
        if given.get("name") in names and given.get("value") is not None
    }
