"""The figures are exact, and "not assessable" is never a kind of negative."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chest.case_level import answer_case
from chest.interpret import Evidence, interpret, measure, refuses
from chest.values.case_answer import ConfidenceWord
from chest.values.figures import Side
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions
from models.schema_2.bundle import Bundle
from radiology.image.volume import Volume
from radiology.outcome import GateSeverity, Outcome, QualityGate
from tests.builders.chest.models import silent_model


def _volume(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    affine = np.diag([*spacing, 1.0])
    return Volume(np.full(shape, -850.0, dtype=np.float32), affine)


def _empty(shape: tuple[int, int, int]) -> ChestRegions:
    return ChestRegions(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_figures_are_exact_on_a_mask_made_by_hand() -> None:
    """Each voxel is 10 × 5 × 2 mm = 0.1 ml."""
    volume, regions = _volume((4, 10, 10), (10.0, 5.0, 2.0)), _empty((4, 10, 10))
    regions.lungs[:, :, :4] = 1  # right: 4 × 10 × 4 = 160 voxels
    regions.lungs[1:, :, 6:9] = 2  # left: 3 × 10 × 3 = 90 voxels
    regions.lesions[0, 0, :2] = 1
    regions.lesions[2, 0, :3] = 2
    regions.lesions[2, 5, 6] = 1
    volume.hounsfield[0, 0, :2] = -500.0
    volume.hounsfield[2, 0, :3] = 0.0
    volume.hounsfield[2, 5, 6] = -600.0
    figures = measure(volume, regions)
    right, left, total = figures[Side.RIGHT], figures[Side.LEFT], figures[Side.TOTAL]
    assert right.lung_volume_ml == pytest.approx(16.0)
    assert left.lung_volume_ml == pytest.approx(9.0)
    assert total.lung_volume_ml == pytest.approx(25.0)
    assert (right.ground_glass_ml, right.consolidation_ml) == pytest.approx((0.2, 0.3))
    assert (left.ground_glass_ml, left.consolidation_ml) == pytest.approx((0.1, 0.0))
    assert total.lesion_volume_ml == pytest.approx(0.6)
    assert total.lesion_share_percent == pytest.approx(2.4)
    assert right.lesion_mean_hu == pytest.approx(-200.0)
    assert left.lesion_mean_hu == pytest.approx(-600.0)
    assert total.lesion_mean_hu == pytest.approx((2 * -500 + 3 * 0 - 600) / 6)
    assert (right.slices_involved, left.slices_involved, total.slices_involved) == (2, 1, 2)


def test_no_lesion_has_no_mean_attenuation() -> None:
    volume, regions = _volume((2, 4, 4), (1.0, 1.0, 1.0)), _empty((2, 4, 4))
    regions.lungs[:] = 1
    total = measure(volume, regions)[Side.TOTAL]
    assert total.lesion_mean_hu is None
    assert total.lesion_share_percent == 0.0


def _chest(lesion_slices: int) -> tuple[Volume, ChestRegions]:
    """Two lungs of 2 l each in 20 slices, and a lesion of a tenth of the right one's slice."""
    shape = (24, 50, 50)
    volume, regions = _volume(shape, (10.0, 5.0, 5.0)), _empty(shape)
    regions.lungs[2:22, 5:45, 5:15] = 1
    regions.lungs[2:22, 5:45, 30:40] = 2
    regions.lesions[10 : 10 + lesion_slices, 5:15, 5:10] = 1
    regions.lesions[10 : 10 + min(lesion_slices, 1), 15:20, 5:10] = 1
    return volume, regions


PASSED = QualityGate("lungs found", True, "4000 ml", "at least 500 ml")
WARNING = QualityGate("noise", False, "50 HU", "at most 40 HU", "Noisy.", GateSeverity.WARNS)
REFUSED = QualityGate("lungs covered", False, "90 %", "at most 50 %", "Cut.")


def _read(lesion_slices: int, bundle: Bundle, *gates: QualityGate) -> ChestReading:
    volume, regions = _chest(lesion_slices)
    case = None
    if not refuses(gates):
        case = answer_case(regions, [], silent_model(bundle), reserved=WARNING in gates)
    return interpret(Evidence(regions, measure(volume, regions), gates, case), silent_model(bundle))


def test_diseased_lungs_are_suspected_and_the_worst_slice_is_the_key_slice(tiny: Bundle) -> None:
    reading = _read(8, tiny, PASSED)
    assert reading.outcome is Outcome.FINDINGS
    assert reading.suspicion is not None
    assert reading.suspicion >= reading.suspicion_threshold
    assert reading.key_slice == 10
    assert reading.algorithm.bundle_digest == tiny.digest
    assert reading.severity is not None
    assert reading.severity.mosmed.computed


def test_clear_lungs_have_no_findings_and_a_key_slice_all_the_same(tiny: Bundle) -> None:
    reading = _read(0, tiny, PASSED)
    assert reading.outcome is Outcome.NO_FINDINGS
    assert reading.suspicion is not None
    assert reading.suspicion < reading.suspicion_threshold
    assert reading.key_slice is not None
    assert reading.pneumonia_type is None
    assert not reading.failed_gates


def test_warning_is_shown_and_leaves_the_result_standing(tiny: Bundle) -> None:
    """But an answer with a reservation is never one of high confidence."""
    plain, reserved = _read(0, tiny, PASSED), _read(0, tiny, PASSED, WARNING)
    assert reserved.outcome is Outcome.NO_FINDINGS
    assert reserved.warnings == (WARNING,)
    assert not reserved.failed_gates
    assert plain.confidence is not None
    assert reserved.confidence is not None
    assert plain.confidence.word is ConfidenceWord.HIGH
    assert reserved.confidence.word is ConfidenceWord.MODERATE


def test_refusal_leaves_figures_and_nothing_that_could_be_taken_for_an_answer(
    tiny: Bundle,
) -> None:
    reading = _read(0, tiny, PASSED, REFUSED)
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert reading.failed_gates == (REFUSED,)
    assert reading.suspicion is None
    assert reading.confidence is None
    assert reading.severity is None
    assert not reading.rules
    assert reading.figures[Side.TOTAL].lung_volume_ml > 0


def test_without_lungs_there_are_no_figures(tiny: Bundle) -> None:
    shape = (24, 50, 50)
    volume, regions = _volume(shape, (10.0, 5.0, 5.0)), _empty(shape)
    no_lungs = QualityGate("lungs found", False, "0 ml", "at least 500 ml", "None.")
    evidence = Evidence(regions, measure(volume, regions), (no_lungs,), None)
    reading = interpret(evidence, silent_model(tiny))
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert reading.regions is None
    assert reading.key_slice is None
    assert not reading.figures


def test_facts_are_plain_values_that_json_can_hold(tiny: Bundle) -> None:
    facts = json.loads(json.dumps(_read(8, tiny, PASSED, WARNING).facts()))
    assert facts["gates"][1]["severity"] == "warns"
    assert facts["confidence"]["word"] in {"high", "moderate", "low"}
    assert [rule["chosen"] for rule in facts["rules"]].count(True) == 1
    assert facts["severity"]["scores"]
