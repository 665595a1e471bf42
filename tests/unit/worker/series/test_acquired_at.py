"""When images were acquired, from what headers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydicom.dataset import Dataset

from worker.series.acquired_at import acquired_at

_NOON = datetime(2020, 3, 14, 12, 0, 5)  # noqa: DTZ001 as most headers state it
_EAST = timezone(timedelta(hours=2))


def _header(**elements: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"AcquisitionDateTime": "20200314120005.25"}, _NOON),
        ({"AcquisitionDate": "20200314", "AcquisitionTime": "120005.250000"}, _NOON),
        ({"SeriesDate": "20200314", "SeriesTime": "120005"}, _NOON),
        ({"StudyDate": "20200314", "StudyTime": "120005"}, _NOON),
        ({"StudyDate": "20200314", "StudyTime": "1200"}, _NOON.replace(second=0)),
        (
            {"StudyDate": "20200314", "StudyTime": "115960"},
            _NOON.replace(hour=11, minute=59, second=59),
        ),
    ],
)
def test_each_place_of_a_moment_is_read(elements: dict[str, str], expected: datetime) -> None:
    assert acquired_at(_header(**elements)) == expected


def test_the_moment_nearest_to_the_acquisition_counts() -> None:
    """A study may be opened long before its last series is acquired."""
    found = acquired_at(
        _header(
            AcquisitionDate="20200314",
            AcquisitionTime="120005",
            SeriesDate="20200314",
            SeriesTime="115000",
            StudyDate="20200313",
            StudyTime="230000",
        )
    )
    assert found == _NOON


def test_a_date_and_the_time_of_something_else_are_not_put_together() -> None:
    assert acquired_at(_header(AcquisitionDate="20200314", StudyTime="120005")) is None


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"TimezoneOffsetFromUTC": "+0200"}, _NOON.replace(tzinfo=_EAST)),
        ({"TimezoneOffsetFromUTC": "0200"}, _NOON),
        ({}, _NOON),
    ],
)
def test_time_zone_is_that_of_the_data_set(elements: dict[str, str], expected: datetime) -> None:
    found = acquired_at(_header(StudyDate="20200314", StudyTime="120005", **elements))
    assert found == expected
    assert found is not None
    assert (found.tzinfo is None) == (expected.tzinfo is None)


def test_offset_of_the_value_itself_goes_before_that_of_the_data_set() -> None:
    header = _header(AcquisitionDateTime="20200314120005+0000", TimezoneOffsetFromUTC="+0200")
    assert acquired_at(header) == _NOON.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"StudyDate": "20200314"},
        {"StudyTime": "120005"},
        {"StudyDate": "20200314", "StudyTime": "12"},
        {"StudyDate": "20200314", "StudyTime": "noon"},
        {"StudyDate": "20200399", "StudyTime": "120005"},
        {"StudyDate": "2020", "StudyTime": "120005"},
        {"AcquisitionDateTime": "20200314"},
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_is_no_moment_is_not_known(elements: dict[str, str]) -> None:
    """A day without an hour says nothing about 24 hours."""
    assert acquired_at(_header(**elements)) is None
