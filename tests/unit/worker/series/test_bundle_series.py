"""What a bundle accepts, applied to the series of a study."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.catalogue import read_catalogue
from models.declared.series_criteria import Criterion
from models.schema_2.bundle import Bundle
from radiology.image.series import SeriesHeader
from settings.environment import read_settings
from tests.builders.dicom.headers import series_header
from worker.series.bundle_rule import bundle_refusal, refusals_of, series_keywords
from worker.series.rules import REFUSALS
from worker.series.select_series import SeriesSelection, select_series

THIN_ONLY = Criterion("SliceThickness", "at_most", 3.0, required=False)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The shipped bundle, but for thin slices only."""
    settings = read_settings()
    shipped = read_catalogue(settings.bundles_folder).newest(settings.first_bundle)
    return replace(shipped, criteria=(THIN_ONLY,))


def select(bundle: Bundle, series: SeriesHeader) -> SeriesSelection:
    """Select among one series, with the bundle's own rule last."""
    return select_series([series], refusals=(*REFUSALS, bundle_refusal(bundle)))


def test_an_accepted_series_is_chosen(bundle: Bundle) -> None:
    """A series within the bundle's limits is analysed."""
    assert select(bundle, series_header(spacing_mm=2.0)).chosen is not None


def test_a_series_outside_the_limits_carries_the_reason(bundle: Bundle) -> None:
    """A series that the model was not made for is refused, with the limit and the value seen."""
    selection = select(bundle, series_header(spacing_mm=5.0, slices=60))
    assert selection.chosen is None
    (decision,) = selection.decisions
    assert decision.rule == "accepted by the model"
    assert "SliceThickness 5 is not at most 3" in decision.reason


def test_the_worst_slice_stands_for_the_series() -> None:
    """Where slices differ, the thickest decides; what no slice states is left out."""
    series = series_header(slices=2)
    thick = replace(series.instances[1].frames[0], slice_thickness=8.0)
    mixed = replace(
        series, instances=(series.instances[0], replace(series.instances[1], frames=(thick,)))
    )
    keywords = series_keywords(mixed)
    assert keywords["SliceThickness"] == 8.0
    assert keywords["NumberOfSeriesRelatedInstances"] == 2
    assert "SpacingBetweenSlices" not in keywords


def test_a_bundle_of_schema_3_says_itself_how_much_of_the_body_it_needs(bundle: Bundle) -> None:
    """60 mm are too little of a chest, and enough for a bundle of ears that asks for no more."""
    declared = read_catalogue(read_settings().bundles_folder).newest("head-ct-haemorrhage")
    ears = replace(declared, criteria=(THIN_ONLY,))
    short = series_header(spacing_mm=2.0, slices=31)
    of_chests = select_series([short], refusals=refusals_of(bundle))
    assert [one.rule for one in of_chests.decisions] == ["coverage"]
    assert select_series([short], refusals=refusals_of(ears)).chosen is not None
