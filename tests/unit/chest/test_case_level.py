"""From slices to a case: the published rules on stacks made by hand, type and confidence."""

from __future__ import annotations

import numpy as np
import pytest

from chest.case_level import QuadrantCounts, answer_case, confidence_of, longest_run, rule_values
from chest.model.chest_model import SliceAnswer
from chest.values.case_answer import ConfidenceWord, PneumoniaType
from chest.values.regions import ChestRegions
from models.schema_2.bundle import Bundle
from models.schema_2.case import CaseRule
from models.schema_2.sign import Sign
from tests.builders.chest.models import silent_model

SLICES = 20
RIGHT_BACK = np.s_[30:40, 5:15]
RIGHT_FRONT = np.s_[10:20, 5:15]
LEFT_BACK = np.s_[30:40, 30:40]


def _stack() -> ChestRegions:
    """Lungs of 40 × 20 pixels each in every slice; front and back meet in row 25."""
    regions = ChestRegions(
        np.zeros((SLICES, 50, 50), np.uint8), np.zeros((SLICES, 50, 50), np.uint8)
    )
    regions.lungs[:, 5:45, 2:22] = 1
    regions.lungs[:, 5:45, 28:48] = 2
    return regions


def _values(regions: ChestRegions) -> dict[CaseRule, float]:
    return rule_values(QuadrantCounts.of(regions))


def test_quadrants_are_right_and_left_front_and_back() -> None:
    regions = _stack()
    regions.lesions[3][RIGHT_BACK] = 1
    regions.lesions[4][RIGHT_FRONT] = 2
    regions.lesions[5][LEFT_BACK] = 1
    counts = QuadrantCounts.of(regions)
    assert counts.lung[0].tolist() == [400, 400, 400, 400]
    assert counts.lesion[3].tolist() == [0, 100, 0, 0]
    assert counts.lesion[4].tolist() == [100, 0, 0, 0]
    assert counts.lesion[5].tolist() == [0, 0, 0, 100]


@pytest.mark.parametrize(
    ("places", "run"),
    [
        ([RIGHT_BACK, RIGHT_BACK, RIGHT_BACK], 3),
        ([RIGHT_BACK, RIGHT_BACK, LEFT_BACK], 2),
        ([RIGHT_BACK, LEFT_BACK, RIGHT_BACK], 1),
        ([RIGHT_BACK, RIGHT_FRONT, RIGHT_FRONT, RIGHT_FRONT, RIGHT_FRONT], 4),
        ([], 0),
    ],
)
def test_run_counts_neighbours_in_one_quadrant_only(
    places: list[tuple[slice, slice]], run: int
) -> None:
    regions = _stack()
    for index, place in enumerate(places, start=6):
        regions.lesions[index][place] = 1
    assert _values(regions)[CaseRule.CONSECUTIVE_SLICES] == run


def test_a_gap_breaks_a_run() -> None:
    column = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1], dtype=bool)[:, None]
    assert longest_run(column) == 3
    assert longest_run(np.zeros((0, 4), dtype=bool)) == 0


def test_share_of_positive_slices_and_their_maximum() -> None:
    """Five of twenty slices; 100 and 200 of 1600 pixels; one slice with too little to count."""
    regions = _stack()
    for index in range(5):
        regions.lesions[index][RIGHT_BACK] = 1
    regions.lesions[4][LEFT_BACK] = 2
    regions.lesions[10, 30, 5:15] = 1  # 10 pixels: 0.6 % of the slice
    values = _values(regions)
    assert values[CaseRule.POSITIVE_SLICES] == pytest.approx(25.0)
    assert values[CaseRule.MAXIMUM] == pytest.approx(12.5)
    assert values[CaseRule.LESION_SHARE] == pytest.approx(100 * 610 / (1600 * 20))


def test_apex_with_a_few_pixels_of_lung_does_not_decide() -> None:
    regions = _stack()
    regions.lungs[0] = 0
    regions.lungs[0, 20:24, 5:9] = 1
    regions.lesions[0, 20:24, 5:9] = 1
    values = _values(regions)
    assert values[CaseRule.MAXIMUM] == 0.0
    assert values[CaseRule.POSITIVE_SLICES] == 0.0


def test_every_rule_is_answered_and_the_declared_one_is_chosen(tiny: Bundle) -> None:
    regions = _stack()
    for index in range(5):
        regions.lesions[index][RIGHT_BACK] = 1
    answer = answer_case(regions, [], silent_model(tiny), reserved=False)
    by_rule = {one.rule: one for one in answer.rules}
    assert set(by_rule) == set(CaseRule)
    assert [one.rule for one in answer.rules if one.chosen] == [CaseRule.LESION_SHARE]
    assert by_rule[CaseRule.LESION_SHARE].limit == pytest.approx(1.0)
    assert answer.suspected is by_rule[CaseRule.LESION_SHARE].suspected is True
    assert all(one.suspected for one in answer.rules)
    clear = answer_case(_stack(), [], silent_model(tiny), reserved=False)
    assert not clear.suspected
    assert not any(one.suspected for one in clear.rules)


def _said(index: int, viral: float, spread: float = 0.02) -> SliceAnswer:
    signs = {sign: 0.1 * place + 0.01 * index for place, sign in enumerate(Sign)}
    return SliceAnswer(index, viral, spread, signs, None)


def _diseased() -> ChestRegions:
    regions = _stack()
    for index in range(8):
        regions.lesions[index][RIGHT_BACK] = 1
    return regions


@pytest.mark.parametrize(
    ("viral", "spread", "expected"),
    [
        (0.9, 0.02, PneumoniaType.VIRAL_SUSPECTED),
        (0.65, 0.02, PneumoniaType.VIRAL_SUSPECTED),
        (0.5, 0.02, PneumoniaType.UNDETERMINED),
        (0.1, 0.02, PneumoniaType.NOT_SUSPECTED),
        (0.9, 0.3, PneumoniaType.UNDETERMINED),
        (0.1, 0.3, PneumoniaType.UNDETERMINED),
    ],
)
def test_type_follows_the_limits_and_the_spread(
    tiny: Bundle, viral: float, spread: float, expected: PneumoniaType
) -> None:
    answers = [_said(index, viral, spread) for index in range(4)]
    found = answer_case(_diseased(), answers, silent_model(tiny), reserved=False).viral
    assert found is not None
    assert found.type is expected
    assert found.probability == pytest.approx(viral)
    assert found.slices == 4


def test_type_is_judged_on_slices_with_lesions_alone(tiny: Bundle) -> None:
    """The clear slices of the same study say nothing about what its pneumonia is."""
    answers = [_said(2, 0.9), _said(3, 0.8), *(_said(index, 0.0) for index in range(10, 20))]
    found = answer_case(_diseased(), answers, silent_model(tiny), reserved=False).viral
    assert found is not None
    assert found.probability == pytest.approx(0.85)
    assert found.slices == 2


def test_where_no_slice_with_lesions_was_classified_the_type_is_undetermined(tiny: Bundle) -> None:
    found = answer_case(_diseased(), [_said(15, 0.9)], silent_model(tiny), reserved=False).viral
    assert found is not None
    assert found.type is PneumoniaType.UNDETERMINED
    assert found.probability is None


def test_no_suspected_pneumonia_has_no_type(tiny: Bundle) -> None:
    answers = [_said(index, 0.9) for index in range(4)]
    assert answer_case(_stack(), answers, silent_model(tiny), reserved=False).viral is None


def test_sign_is_judged_by_the_three_slices_that_show_it_best(tiny: Bundle) -> None:
    answers = [_said(index, 0.9) for index in (1, 5, 6, 7)]
    signs = answer_case(_diseased(), answers, silent_model(tiny), reserved=False).signs
    assert [one.sign for one in signs] == list(Sign)
    assert signs[0].probability == pytest.approx(0.06)
    assert signs[4].probability == pytest.approx(0.46)
    assert not signs[4].present


@pytest.mark.parametrize(
    ("suspicion", "threshold", "spread", "value", "word"),
    [
        (1.0, 0.5, 0.0, 1.0, ConfidenceWord.HIGH),
        (0.0, 0.5, 0.0, 1.0, ConfidenceWord.HIGH),
        (0.5, 0.5, 0.0, 0.0, ConfidenceWord.LOW),
        (0.75, 0.5, 0.0, 0.5, ConfidenceWord.MODERATE),
        (0.9, 0.8, 0.0, 0.5, ConfidenceWord.MODERATE),
        (0.2, 0.8, 0.0, 0.75, ConfidenceWord.HIGH),
        (1.0, 0.5, 0.25, 0.5, ConfidenceWord.MODERATE),
        (1.0, 0.5, 0.5, 0.0, ConfidenceWord.LOW),
        (1.0, 1.0, 0.0, 1.0, ConfidenceWord.HIGH),
    ],
)
def test_confidence_falls_towards_the_threshold_and_with_the_spread(
    suspicion: float, threshold: float, spread: float, value: float, word: ConfidenceWord
) -> None:
    found = confidence_of(suspicion, threshold, spread, reserved=False)
    assert found.value == pytest.approx(value)
    assert found.word is word


def test_reservation_takes_the_word_high_away() -> None:
    assert confidence_of(1.0, 0.5, 0.0, reserved=True).word is ConfidenceWord.MODERATE
