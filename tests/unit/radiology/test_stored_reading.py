"""A stored reading has one way in and one way out, and says of which version it is."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from chest.chest_codes import GROUND_GLASS_OPACITY
from radiology.answer.reading import Reading
from radiology.answer.stored_reading import VERSION, from_facts, to_facts
from radiology.errors import ReadingUnreadable
from radiology.region import Region
from tests.builders.readings import readings


@settings(max_examples=30)
@given(readings)
def test_a_reading_comes_back_as_it_was_stored(reading: Reading) -> None:
    stored = json.loads(json.dumps(to_facts(reading)))
    assert from_facts(stored) == reading
    assert to_facts(from_facts(stored)) == to_facts(reading)


@settings(max_examples=5)
@given(readings)
def test_a_reading_of_another_version_is_read_by_what_is_given_for_it(reading: Reading) -> None:
    unversioned = {"outcome": "findings"}
    assert from_facts(unversioned, {1: lambda facts: reading}) == reading
    with pytest.raises(ReadingUnreadable, match="another version"):
        from_facts(unversioned)
    with pytest.raises(ReadingUnreadable, match="another version"):
        from_facts({**to_facts(reading), "version": VERSION + 1})


@settings(max_examples=5)
@given(readings)
def test_what_is_damaged_is_said_to_be(reading: Reading) -> None:
    stored = to_facts(reading)
    with pytest.raises(ReadingUnreadable, match="damaged"):
        from_facts({**stored, "outcome": "perhaps"})
    with pytest.raises(ReadingUnreadable, match="damaged"):
        from_facts({key: value for key, value in stored.items() if key != "algorithm"})


@settings(max_examples=5)
@given(readings)
def test_a_field_that_was_added_later_has_its_default_and_an_unknown_one_is_left_out(
    reading: Reading,
) -> None:
    stored = to_facts(reading)
    del stored["course"]
    assert from_facts({**stored, "of a later edition": 1}) == replace(reading, course=())


@settings(max_examples=5)
@given(readings)
def test_voxels_are_not_stored_and_what_they_show_is(reading: Reading) -> None:
    mask = np.ones((2, 3, 4), bool)
    region = Region.of_mask(
        mask, "Ground glass opacity", GROUND_GLASS_OPACITY, is_finding=True, colour=(86, 180, 233)
    )
    assert region.mask(1).all()
    stored = from_facts(json.loads(json.dumps(to_facts(replace(reading, regions=(region,))))))
    assert stored.regions == (region,)
    assert stored.regions[0].labels is None
    with pytest.raises(ValueError, match="only described"):
        stored.regions[0].mask(0)
