"""What version 0.1.0 stored of a chest is read as a reading of any bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chest.answer.known import known_values
from chest.answer.make import answer_of
from chest.answer.stored import chest_reading_of
from chest.triage.urgency import rules_seen, triage_reading
from chest.values.course import Course
from models.older_readings import stored_reading
from radiology.answer.plain_values import to_plain
from radiology.answer.stored_reading import from_facts, to_facts
from radiology.errors import ReadingUnreadable
from tests.unit.worker.encode.full_reading import GIVEN, full_context
from tests.unit.worker.encode.test_encode_prior import COMPARISON, NOW, THEN, point


@pytest.mark.parametrize("kind", ["positive", "negative", "not assessable"])
def test_all_but_voxels_comes_back(kind: str) -> None:
    """The same chest, and told by the same words, figures and codes; then stored anew."""
    points = (point("2.25.17", THEN), point("1.2.3.1", NOW))
    whole = replace(
        full_context(kind, clinical=GIVEN).chest,
        acquired_at=datetime(2026, 3, 3, tzinfo=UTC),
        course=Course(points, (COMPARISON,)),
    )
    facts = {
        **whole.facts(),
        "urgency_rules": [to_plain(one) for one in rules_seen(whole)],
        "context": GIVEN.facts(GIVEN.values),
    }
    stored = json.loads(json.dumps(facts))
    expected = replace(whole, regions=None, divided=None, heat_maps={})
    assert chest_reading_of(stored) == expected
    read = stored_reading(stored)
    said = answer_of(expected, None, triage_reading(whole), GIVEN)
    known = known_values(GIVEN, GIVEN.values)
    assert read == replace(said, urgency_rules=rules_seen(whole), known=known)
    assert from_facts(json.loads(json.dumps(to_facts(read)))) == read


def test_what_a_bundle_without_a_classifier_stored_is_read() -> None:
    """A field that is not there was not known to the version that stored it."""
    facts = full_context("negative").chest.facts()
    least = {name: facts[name] for name in ("outcome", "algorithm", "suspicion", "figures")}
    assert stored_reading(least).suspicion is not None
    with pytest.raises(ReadingUnreadable, match="damaged"):
        stored_reading({"outcome": "findings"})
