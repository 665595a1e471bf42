"""Emphysema and dependent atelectasis are named as reservations, and change no answer."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from chest.answer.stored import chest_reading_of
from chest.other_disease import (
    dependent_percent,
    low_attenuation_percent,
    measure_other_disease,
)
from chest.values.other_disease import NOT_TOLD_APART, OtherDisease, reservation_texts
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from radiology.image.volume import Volume
from tests.unit.worker.encode.encoded_chest import result_context, with_chest

SHAPE = (24, 80, 90)  # voxels of 3 mm
RIGHT, LEFT = (slice(10, 40), slice(50, 80))
ROWS = slice(15, 65)  # the back is at 64
BANDS = OtherDisease(low_attenuation_percent=12.34, dependent_percent=88.0)


def _lungs(spacing_mm: float = 3.0) -> tuple[Volume, ChestRegions]:
    hu = np.full(SHAPE, 40.0, dtype=np.float32)
    lungs = np.zeros(SHAPE, dtype=np.uint8)
    lungs[2:22, ROWS, RIGHT], lungs[2:22, ROWS, LEFT] = LungLabel.RIGHT, LungLabel.LEFT
    hu[lungs > 0] = -860.0
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[2, 0] = affine[1, 1] = affine[0, 2] = spacing_mm
    return Volume(hu, affine), ChestRegions(lungs, np.zeros_like(lungs))


def _with_lesions(regions: ChestRegions, rows: slice, *columns: slice) -> ChestRegions:
    lesions = regions.lesions.copy()
    for one in columns:
        lesions[4:12, rows, one] = LesionLabel.GROUND_GLASS
    return replace(regions, lesions=lesions)


def test_holes_are_counted_as_a_share_of_the_lungs() -> None:
    """A quarter of the slices of both lungs holds next to nothing but air."""
    volume, regions = _lungs()
    hu = volume.hounsfield.copy()
    hu[2:7][regions.lungs[2:7] > 0] = -985.0
    assert low_attenuation_percent(Volume(hu, volume.affine), regions) == pytest.approx(25.0)
    assert low_attenuation_percent(volume, regions) == 0.0


@pytest.mark.parametrize(("spacing_mm", "most"), [(0.7, 1.0), (1.0, 7.0)])
def test_noise_of_fine_voxels_makes_no_holes(spacing_mm: float, most: float) -> None:
    """Of single voxels with a noise of 90 HU, 16 % are below −950 HU."""
    volume, regions = _lungs(spacing_mm)
    noise = np.random.default_rng(3).normal(0.0, 90.0, SHAPE).astype(np.float32)
    noisy = Volume(volume.hounsfield + noise, volume.affine)
    single = float(np.mean(noisy.hounsfield[regions.lungs > 0] < -950.0))
    assert 100.0 * single > 12.0
    measured = low_attenuation_percent(noisy, regions)
    assert measured is not None
    assert measured < most


def test_bands_where_both_lungs_lie_down() -> None:
    """12 mm thick along the back: all of it, and none of it in a patient who lies on the front."""
    volume, regions = _lungs()
    bands = _with_lesions(regions, slice(61, 65), RIGHT, LEFT)
    assert dependent_percent(volume, bands, to_the_back=True) == pytest.approx(100.0)
    assert dependent_percent(volume, bands, to_the_back=False) is None
    upright = measure_other_disease(volume, bands, "", noisy=True)
    assert upright == OtherDisease(None, None)
    supine = measure_other_disease(volume, bands, "HFS", noisy=False)
    assert supine == OtherDisease(low_attenuation_percent=0.0, dependent_percent=100.0)
    assert measure_other_disease(volume, bands, "FFP", noisy=False).dependent_percent is None


def test_what_reaches_deeper_is_no_band() -> None:
    """60 mm from the back: a quarter of it is near."""
    volume, regions = _lungs()
    deep = _with_lesions(regions, slice(45, 65), RIGHT, LEFT)
    assert dependent_percent(volume, deep, to_the_back=True) == pytest.approx(25.0)


def test_one_side_alone_is_no_dependent_lung() -> None:
    volume, regions = _lungs()
    assert dependent_percent(volume, regions, to_the_back=True) is None
    one = _with_lesions(regions, slice(61, 65), RIGHT)
    assert dependent_percent(volume, one, to_the_back=True) is None


def test_a_band_along_the_front_of_a_short_slice_is_not_at_the_back() -> None:
    """Where a slice shows little lung its front is near its back too."""
    volume, regions = _lungs()
    lungs = np.zeros_like(regions.lungs)
    lungs[2:22, 60:65, RIGHT], lungs[2:22, 60:65, LEFT] = LungLabel.RIGHT, LungLabel.LEFT
    short = _with_lesions(ChestRegions(lungs, np.zeros_like(lungs)), slice(60, 62), RIGHT, LEFT)
    assert dependent_percent(volume, short, to_the_back=True) is None


def test_each_reservation_is_said_from_its_limit_on() -> None:
    said = list(reservation_texts(BANDS, suspected=True))
    assert said == [
        NOT_TOLD_APART,
        "88 % of the opacities within 15 mm of the pleura that lies down: may be dependent "
        "atelectasis",
        "12.3 % of the lungs below -950 HU: may be emphysema",
    ]
    assert list(reservation_texts(BANDS, suspected=False)) == said[2:]
    assert list(reservation_texts(OtherDisease(9.9, 79.0), suspected=True)) == [NOT_TOLD_APART]
    assert list(reservation_texts(None, suspected=False)) == []


@pytest.mark.parametrize("kind", ["positive", "negative", "not assessable"])
def test_report_and_picture_say_them_and_no_answer_changes(kind: str) -> None:
    plain = result_context(kind)
    context = with_chest(plain, other_disease=None if kind == "not assessable" else BANDS)
    said = [one.answer for one in context.reading.statements]
    wanted = list(reservation_texts(context.chest.other_disease, suspected=kind == "positive"))
    assert [one for one in said if one in wanted] == wanted
    lines = [one.lines for one in context.reading.remarks if one.title == "Reservation"]
    assert lines == ([tuple((one,) for one in wanted)] if wanted else [])
    assert context.reading.outcome is plain.reading.outcome
    assert context.reading.suspicion == plain.reading.suspicion
    assert context.triage == plain.triage


def test_it_is_restored_from_what_was_stored() -> None:
    chest = replace(result_context().chest, other_disease=BANDS)
    facts = json.loads(json.dumps(chest.facts()))
    assert facts["other_disease"] == asdict(BANDS)
    assert chest_reading_of(facts).other_disease == BANDS
    del facts["other_disease"]
    assert chest_reading_of(facts).other_disease is None
