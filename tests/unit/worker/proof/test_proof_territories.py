"""Proof of a report's lobes and zones: each outline is where its finding sites say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chest import chest_codes
from chest.answer.regions import chest_regions
from chest.values.territory import Territories, Territory
from radiology import codes
from radiology.encoding_profile import EncodingChoice, EncodingProfile
from radiology.errors import ResultMismatch
from tests.unit.worker.encode.encoded_chest import (
    ChestContext,
    result_context,
    with_chest,
)
from tests.unit.worker.encode.full_reading import full_context
from tests.unit.worker.proof.test_proof import made_of, prove
from worker.encode.proof.meaning import Coded, ReadingMasks

EVERY_REPORT = EncodingChoice(profile=EncodingProfile.MACHINE)
RIGHT, LEFT = codes.RIGHT.value, codes.LEFT.value
UPPER, MIDDLE = chest_codes.UPPER_LOBE.value, chest_codes.MIDDLE_LOBE.value


@pytest.mark.parametrize("zones", [False, True], ids=["lobes", "zones"])
def test_a_reading_with_everything_passes(zones: bool) -> None:
    """Lobes, or zones, or an upper and middle lobe that were not told apart."""
    context = full_context(zones=zones)
    prove(context, made_of(context, EVERY_REPORT))


def exchanged(context: ChestContext) -> ChestContext:
    """The same report about a chest whose lobes lie the other way round."""
    divided = context.chest.divided
    assert divided is not None
    values = list(divided.names)
    names = dict(zip(values, reversed(divided.names.values()), strict=True))
    return with_chest(context, divided=replace(divided, names=names))


@pytest.mark.parametrize("zones", [False, True], ids=["lobes", "zones"])
def test_an_outline_around_another_territory_is_caught(zones: bool) -> None:
    """A reader would be led to the wrong lobe."""
    context = full_context(zones=zones)
    made = made_of(context, EVERY_REPORT)
    with pytest.raises(ResultMismatch, match="not on the edge"):
        prove(exchanged(context), made)


def masks_of(*territories: Territory) -> ReadingMasks:
    """The masks of a chest that was divided into these."""
    context = result_context()
    labels = np.zeros(context.volume.shape, np.uint8)
    divided = Territories(labels, dict(enumerate(territories, start=1)), ())
    regions = chest_regions(replace(context.chest, divided=divided))
    return ReadingMasks(regions, context.volume.shape)


LOBES = [one for one in Territory if one.is_lobe and "and" not in one.value]
ZONES = [one for one in Territory if not one.is_lobe]


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([(UPPER, RIGHT)], [Territory.RIGHT_UPPER_LOBE]),
        ([(UPPER, LEFT)], [Territory.LEFT_UPPER_LOBE]),
        ([(MIDDLE, RIGHT)], [Territory.RIGHT_MIDDLE_LOBE]),
        ([(UPPER, RIGHT), (MIDDLE, RIGHT)], LOBES[:2]),
        ([(chest_codes.LOWER_ZONE.value, LEFT)], [Territory.LEFT_LOWER_ZONE]),
        ([], []),
    ],
)
def test_sites_name_their_places(sites: list[Coded], expected: list[Territory]) -> None:
    """The middle lobe is the right lung's alone, with or without its side."""
    masks = masks_of(*LOBES, *ZONES)
    assert masks.of_sites(sites) == [one.value.capitalize() for one in expected]


def test_lobes_that_were_not_told_apart_are_one_place() -> None:
    """Their sites are those of two lobes, which this chest does not have one by one."""
    together = Territory.RIGHT_UPPER_AND_MIDDLE_LOBE
    masks = masks_of(together, Territory.RIGHT_LOWER_LOBE)
    lobe = chest_codes.LOBE_OF_LUNG.value
    sites = [(UPPER, RIGHT), (MIDDLE, RIGHT)]
    assert masks.of_group(lobe, sites) == ([together.value.capitalize()], [])
    lower = [(chest_codes.LOWER_LOBE.value, RIGHT)]
    assert masks.of_group(lobe, lower) == ([Territory.RIGHT_LOWER_LOBE.value.capitalize()], [])


def test_a_finding_lies_within_its_sites() -> None:
    """Of a class both lungs' worth, and nothing of what no region shows."""
    masks = masks_of()
    sites = [(chest_codes.LUNG.value, codes.BILATERAL.value)]
    found = masks.of_group(chest_codes.CONSOLIDATION.value, sites)
    assert found == (["Consolidation"], ["Right lung", "Left lung"])
    assert masks.of_group("80891009", []) == ([], [])
