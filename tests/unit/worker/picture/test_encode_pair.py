"""Then and now side by side: the earlier CT where the key slice is, and what its panel says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from chest.answer.make import answer_of
from chest.course.compare_prior import compare_registered
from chest.registration import EarlierChest, register
from chest.values.course import Course
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions
from phantom import TYPICAL_LESIONS, Phantom, Posture
from radiology.clinical import ClinicalContext
from radiology.language import Language
from tests.builders.chest.chest_pairs import scan, study
from tests.unit.worker.encode.encoded_chest import figures_of, result_context
from worker.encode import ShownReading, render_key_picture
from worker.encode.picture.axial_stack import AxialStack, mask_of
from worker.encode.picture.key_picture import WIDTH_PX
from worker.encode.picture.pair import LESIONS_THEN, PAIR_PX, draw_pair
from worker.encode.picture.panels import Frame, Placement
from worker.encode.picture.statements import statements
from worker.encode.picture.wording import worded

THEN = datetime(2026, 3, 1)  # noqa: DTZ001 as headers state it
MOVED = Posture((4.0, 0.0, 5.0), (10.0, 0.0, -8.0))
Grey = NDArray[np.float64]


@pytest.fixture(scope="module")
def now() -> Phantom:
    return scan(posture=MOVED, spacing_mm=4.0)


Pair = tuple[ChestReading, EarlierChest]


@pytest.fixture(scope="module")
def pair(now: Phantom) -> Pair:
    """Three of today's lesions were there before, in a chest that lay otherwise."""
    before = scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=4.0)
    earlier, later = study(before, acquired_at=THEN), study(now, uid="2.25.2")
    registration = register(earlier.chest, later.chest)
    comparison = compare_registered(earlier, later, registration)
    regions = ChestRegions(now.lungs, now.lesions)
    reading = replace(
        result_context().chest,
        regions=regions,
        figures=figures_of(now.volume, regions),
        key_slice=int(np.argmax(np.count_nonzero(now.lesions, axis=(1, 2)))),
        course=Course(points=(), comparisons=(comparison,)),
    )
    return reading, EarlierChest(earlier.chest, registration)


def shown_with(
    now: Phantom, chest: ChestReading, earlier: EarlierChest | None = None
) -> ShownReading:
    triage = result_context().triage
    reading = answer_of(chest, now.volume, triage, ClinicalContext())
    return ShownReading(now.volume, reading, triage, "0.1.0", earlier=earlier)


@pytest.fixture(scope="module")
def shown(now: Phantom, pair: Pair) -> ShownReading:
    return shown_with(now, *pair)


def pair_of(shown: ShownReading) -> tuple[Image.Image, Image.Image]:
    assert shown.earlier is not None
    stack = AxialStack.of(shown)
    return draw_pair(shown, shown.earlier, stack, (*stack.anatomy, *stack.findings))


def test_the_earlier_chest_is_found_from_places_of_the_later_one(shown: ShownReading) -> None:
    """There and back: a registration is followed backwards to within a tenth of a millimetre."""
    assert shown.earlier is not None
    chest, registration = shown.earlier.chest, shown.earlier.registration
    blocks = np.argwhere(chest.lungs > 0)[::25]
    earlier_mm = blocks @ chest.affine[:3, :3].T + chest.affine[:3, 3]
    hounsfield, lesions = shown.earlier.seen_from(registration.places(earlier_mm))
    there = tuple(blocks.T)
    assert np.abs(hounsfield - chest.hounsfield[there]).max() < 15.0
    assert np.abs(lesions - chest.lesion_share[there] / 255.0).max() < 0.03


def test_both_panels_show_the_same_place(shown: ShownReading) -> None:
    """The lungs lie upon each other, although the patient lay otherwise."""
    then, now = (np.asarray(one.convert("L"), np.float64) for one in pair_of(shown))
    inside = _lung_pixels(shown)
    then_lung, now_lung = (one < 128 for one in (then, now))
    assert np.mean(then_lung[inside]) > 0.8
    overlap = np.count_nonzero(then_lung & now_lung & inside)
    assert overlap > 0.8 * np.count_nonzero(now_lung & inside)


def _lung_pixels(shown: ShownReading) -> NDArray[np.bool_]:
    stack = AxialStack.of(shown)
    lungs, lesions = (mask_of(one, stack.key) for one in (stack.anatomy, stack.findings))
    assert lungs is not None
    assert lesions is not None
    mask = lungs & ~lesions
    placement = Placement.fitted(stack, Frame.of(stack), PAIR_PX)
    drawn = Image.fromarray(mask.astype(np.uint8)).transform(
        PAIR_PX, Image.Transform.AFFINE, placement.affine(), Image.Resampling.NEAREST
    )
    return np.asarray(drawn) > 0


def test_the_lesions_of_then_are_outlined(shown: ShownReading) -> None:
    """In a colour of their own, on the earlier panel only."""
    then, now = (np.asarray(one).astype(int) for one in pair_of(shown))
    near = [np.abs(one - LESIONS_THEN).max(axis=-1) < 24 for one in (then, now)]
    assert np.count_nonzero(near[0]) > 30
    assert np.count_nonzero(near[1]) == 0


@pytest.mark.parametrize("language", Language)
def test_the_picture_has_a_row_for_the_pair(shown: ShownReading, language: Language) -> None:
    """Where the earlier chest is at hand; without it the picture is as it was."""
    with_pair = render_key_picture(replace(shown, language=language))
    without = render_key_picture(replace(shown, language=language, earlier=None))
    assert with_pair.width == without.width == WIDTH_PX
    assert with_pair.height == without.height + PAIR_PX[1] + 8


def test_a_registration_that_does_not_suffice_is_told(now: Phantom, pair: Pair) -> None:
    """No pair then, and a line that says so, in the picture's language."""
    chest, _ = pair
    assert chest.course is not None
    prior = chest.course.latest
    assert prior is not None
    quality = replace(prior.registration, reason="vessels agree by 0.20")
    comparison = replace(prior, registration=quality, territories={}, lesions=())
    chest = replace(chest, course=Course(points=(), comparisons=(comparison,)))
    said = statements(shown_with(now, chest))
    (told,) = (one for one, _ in said if one.title.startswith("Change"))
    (line,) = told.lines[1]
    assert line.startswith("not laid upon the earlier images well enough")
    assert worded(line, Language.CHINESE) != line
