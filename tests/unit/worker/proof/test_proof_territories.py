"""Proof of a report's lobes and zones: each outline is where its finding sites say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radiology import codes
from radiology.chest.territory import Territory
from radiology.encoding_profile import EncodingChoice, EncodingProfile
from radiology.errors import ResultMismatch
from tests.unit.worker.encode.full_reading import full_context
from tests.unit.worker.proof.test_proof import made_of, prove
from worker.encode.derived_object import ResultContext
from worker.encode.proof.meaning import site_meaning

EVERY_REPORT = EncodingChoice(profile=EncodingProfile.MACHINE)
RIGHT, LEFT = codes.RIGHT.value, codes.LEFT.value
UPPER, MIDDLE = codes.UPPER_LOBE.value, codes.MIDDLE_LOBE.value


@pytest.mark.parametrize("zones", [False, True], ids=["lobes", "zones"])
def test_a_reading_with_everything_passes(zones: bool) -> None:
    """Lobes, or zones, or an upper and middle lobe that were not told apart."""
    context = full_context(zones=zones)
    prove(context, made_of(context, EVERY_REPORT))


def exchanged(context: ResultContext) -> ResultContext:
    """The same report about a chest whose lobes lie the other way round."""
    divided = context.reading.divided
    assert divided is not None
    values = list(divided.names)
    names = dict(zip(values, reversed(divided.names.values()), strict=True))
    return replace(context, reading=replace(context.reading, divided=replace(divided, names=names)))


@pytest.mark.parametrize("zones", [False, True], ids=["lobes", "zones"])
def test_an_outline_around_another_territory_is_caught(zones: bool) -> None:
    """A reader would be led to the wrong lobe."""
    context = full_context(zones=zones)
    made = made_of(context, EVERY_REPORT)
    with pytest.raises(ResultMismatch, match="not on the edge"):
        prove(exchanged(context), made)


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([(UPPER, RIGHT)], Territory.RIGHT_UPPER_LOBE),
        ([(UPPER, LEFT)], Territory.LEFT_UPPER_LOBE),
        ([(MIDDLE, RIGHT)], Territory.RIGHT_MIDDLE_LOBE),
        ([(UPPER, RIGHT), (MIDDLE, RIGHT)], Territory.RIGHT_UPPER_AND_MIDDLE_LOBE),
        ([(codes.LOWER_ZONE.value, LEFT)], Territory.LEFT_LOWER_ZONE),
        ([(UPPER, LEFT), (MIDDLE, RIGHT)], None),
        ([], None),
    ],
)
def test_sites_name_one_place(sites: list[tuple[str, str]], expected: Territory | None) -> None:
    """The middle lobe is the right lung's alone, with or without its side."""
    assert site_meaning(sites) == expected
