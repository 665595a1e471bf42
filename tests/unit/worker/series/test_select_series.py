"""The series to analyse is chosen, and every other one says why it was not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    EnhancedSRStorage,
)

from radiology.errors import NoSuitableSeries
from radiology.image.series import SeriesHeader
from tests.builders.dicom.headers import (
    CORONAL,
    joined,
    series_header,
)
from worker.series.read_series import read_series
from worker.series.select_series import SelectionLimits, SeriesOutcome, select_series

GOOD = series_header("2.25.1.1")


def test_a_good_series_is_chosen() -> None:
    """A thin, soft, axial chest CT is analysed, without a warning."""
    selection = select_series([GOOD])
    assert selection.chosen == GOOD
    assert selection.require() == GOOD
    assert selection.decisions == (
        SeriesOutcome("2.25.1.1", True, "chosen", "", "", "This series is analysed"),
    )


STUDY = [
    GOOD,
    series_header("2.25.1.2", convolution_kernel="B70f"),
    series_header("2.25.1.3", slices=38, spacing_mm=8.0),
    series_header("2.25.1.4", modality="SR", sop_class_uid=EnhancedSRStorage, slices=1),
    series_header("2.25.1.5", slices=2, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")),
    series_header("2.25.1.6", normal=(0.0, 1.0, 0.0), image_orientation_patient=CORONAL),
]


@settings(max_examples=20)
@given(st.permutations(STUDY))
def test_the_order_of_series_makes_no_difference(study: Sequence[SeriesHeader]) -> None:
    """Whatever came first, the same series is chosen and the same reasons are given."""
    selection = select_series(study)
    assert selection.chosen == GOOD
    assert set(selection.decisions) == set(select_series(STUDY).decisions)


def test_every_series_has_a_decision() -> None:
    """Decisions come in the order of the series, one for each, and one is chosen."""
    decisions = select_series(STUDY).decisions
    assert [one.series_instance_uid for one in decisions] == [
        one.series_instance_uid for one in STUDY
    ]
    assert [one.chosen for one in decisions] == [True] + [False] * 5
    assert all(one.reason for one in decisions)


def test_a_localizer_among_the_slices_is_left_out() -> None:
    """Some scanners store the localizer in the series that it planned."""
    localizer = series_header(
        "2.25.1.9",
        slices=1,
        image_orientation_patient=CORONAL,
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
    )
    chosen = select_series([joined(GOOD, localizer)]).require()
    assert chosen.frame_count == 150


def test_no_suitable_series_is_raised_only_when_asked_for() -> None:
    """The selection is a value; who needs a series gets the refusal, with the rules."""
    selection = select_series([series_header(modality="MR"), series_header(slices=3)])
    assert selection.chosen is None
    with pytest.raises(NoSuitableSeries) as refused:
        selection.require()
    assert refused.value.facts == {"series": 2, "refused_by": "modality too_few_slices"}


def test_a_study_without_series_has_none() -> None:
    """Nothing came: nothing is chosen, and nothing crashes."""
    with pytest.raises(NoSuitableSeries):
        select_series([]).require()


def test_limits_are_parameters() -> None:
    """A site may ask for more or fewer slices."""
    few = series_header(slices=9, spacing_mm=20.0)
    assert select_series([few], limits=SelectionLimits(fewest_slices=5)).chosen == few


@pytest.mark.parametrize("folder", ["covid-P001", "normal-001", "lung-tumour-8mm", "tiny-64x64"])
def test_real_series_are_chosen(shared_ct: Path, folder: str) -> None:
    """Each real chest CT is chosen; the thick and sharp one with both warnings."""
    (decision,) = select_series(read_series(sorted((shared_ct / folder).glob("*.dcm")))).decisions
    assert decision.chosen
    assert len(decision.warnings) == (2 if folder == "lung-tumour-8mm" else 0)


def test_one_slice_in_many_transfer_syntaxes_is_refused(shared_ct: Path) -> None:
    """A single slice is no chest, and says so."""
    paths = sorted((shared_ct / "transfer-syntaxes").iterdir())
    (decision,) = select_series(read_series(paths)).decisions
    assert (decision.rule, decision.seen) == ("too_few_slices", "1 slice")
