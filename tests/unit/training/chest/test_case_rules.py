"""Ways from slices to a case, compared by studies of which one knows what they have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

from chest.model.load import load_model
from chest.values.case_answer import PneumoniaType
from chest.values.regions import LungLabel
from evaluation.statistics.proportion import proportion
from models.catalogue import read_any_bundle
from models.schema_2.case import CaseRule
from phantom import make_phantom, phantom_grid
from settings.environment import Settings
from tests.unit.training.chest_slices import slices_of
from training.chest.case_rules import compare_rules, tables_of
from training.chest.predict import Predicted
from training.chest.read_cases import StudyValues, drawn_cases
from training.chest.release.declaration import NAME, VERSION


def _study(name: str, share: float, *, diseased: bool, real: bool = True) -> StudyValues:
    values = {
        CaseRule.LESION_SHARE: share,
        CaseRule.CONSECUTIVE_SLICES: 10.0 * share,
        CaseRule.POSITIVE_SLICES: 0.0,
        CaseRule.MAXIMUM: 0.0,
    }
    return StudyValues(name, diseased, real, values, share / 2.0, None)


STUDIES = (
    _study("a", 3.0, diseased=True),
    _study("b", 0.5, diseased=True),
    _study("c", 0.4, diseased=False),
    _study("d", 1.2, diseased=False),
    _study("e", 0.0, diseased=False),
    _study("phantom, grave", 9.0, diseased=False, real=False),
)


def test_a_rule_is_judged_by_real_studies_and_says_so_at_its_limit() -> None:
    rules = {one.name: one for one in compare_rules(STUDIES)}
    at_half = rules["share of the lungs, from 0.5 %"]
    assert at_half.sensitivity == proportion(2, 2)
    assert at_half.false_alarms == proportion(1, 3)
    at_one = rules["share of the lungs, from 1 %"]
    assert (at_one.sensitivity, at_one.false_alarms) == (proportion(1, 2), proportion(1, 3))
    assert at_half.area.value == pytest.approx(5 / 6)  # one of six pairs is ranked wrongly
    in_a_row = rules["slices in a row, from 10 slices"]
    assert (in_a_row.sensitivity, in_a_row.false_alarms) == (proportion(1, 2), proportion(1, 3))
    assert rules["largest lesion, from 0.25 % of the lungs"].sensitivity == proportion(2, 2)


def test_what_is_typed_as_another_pattern_is_no_case_where_both_are_asked() -> None:
    typed = [
        replace(one, viral=PneumoniaType.NOT_SUSPECTED if one.name in "ad" else None)
        for one in STUDIES
    ]
    rules = {one.name: one for one in compare_rules(typed)}
    both = rules["share of the lungs, from 0.5 %, and not typed as another pattern"]
    assert (both.sensitivity, both.false_alarms) == (proportion(1, 2), proportion(0, 3))
    table = tables_of(typed, compare_rules(typed)).splitlines()
    assert table[2] == "| a | 3.00 | 1.50 | 30 | 0.0 | 0.00 | yes |"
    assert len({line.count("|") for line in table[: 2 + len(STUDIES)]}) == 1
    assert any(
        line.startswith("| share of the lungs, from 0.5 % | 100 [34, 100]") for line in table
    )


def test_drawn_scans_are_read_by_what_a_network_answered_before() -> None:
    """The phantom's own masks as the answer: the rules see what was put into it."""
    phantom = make_phantom(
        seed=1, grid=phantom_grid(shape=(36, 256, 256), spacing_mm=(8.0, 1.4, 1.4)), twigs=60
    )
    right, left = (phantom.lungs == side for side in (LungLabel.RIGHT, LungLabel.LEFT))
    kinds = [phantom.lesions == kind for kind in range(3)]
    slices = replace(
        slices_of(("one",) * 36),
        hu=phantom.volume.hounsfield.astype(np.float16),
        around=None,
    )
    answer = Predicted(
        np.stack([~(right | left), right, left], 1).astype(np.float16),
        np.stack(kinds, 1).astype(np.float16),
    )
    bundle = read_any_bundle(Settings().bundles_folder / NAME / VERSION)
    model = replace(load_model(bundle, threads=1), classifier=None)
    (case,) = drawn_cases(slices, answer, model)
    truth = 100.0 * np.count_nonzero(phantom.lesions) / np.count_nonzero(phantom.lungs)
    assert (case.name, case.diseased, case.real, case.viral) == ("one", True, True, None)
    assert case.values[CaseRule.LESION_SHARE] == pytest.approx(truth, rel=0.1)
    assert 0.0 < case.largest_percent < case.values[CaseRule.LESION_SHARE]
