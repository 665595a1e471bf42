"""The moment at which the images of a series were acquired.

PS3.3 C.8.15.2 and C.7.10.1 (Acquisition DateTime, Date, Time), C.7.3.1 (Series Date, Time),
C.7.2.1 (Study Date, Time), C.12.1 (Timezone Offset From UTC).
"""

from __future__ import annotations

import re
from datetime import datetime

from pydicom.dataset import Dataset

from worker.series.frame_headers import text

KEYWORDS = (
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "SeriesDate",
    "SeriesTime",
    "StudyDate",
    "StudyTime",
    "TimezoneOffsetFromUTC",
)

# The nearest to the acquisition first.
_DATE_AND_TIME = (
    ("AcquisitionDate", "AcquisitionTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)
# PS3.5 Table 6.2-1, DT, to the second: where the minute is left out, hours cannot be compared.
_MOMENT = re.compile(r"(\d{12})(\d{2})?(?:\.\d{1,6})?([+-]\d{4})?")
_OFFSET = re.compile(r"[+-]\d{4}")


def acquired_at(dataset: Dataset) -> datetime | None:
    """Date and time together, or None: a day alone cannot tell 24 hours from 48.

    Returns
    -------
    With a time zone where the headers state one, otherwise without.
    """
    stated = text(dataset, "TimezoneOffsetFromUTC")
    offset = stated if _OFFSET.fullmatch(stated) else ""
    values = [text(dataset, "AcquisitionDateTime")]
    for date, time in _DATE_AND_TIME:
        day = text(dataset, date)
        values.append(day + text(dataset, time) if len(day) == len("YYYYMMDD") else "")
    moments = (_moment(value, offset) for value in values)
    return next((one for one in moments if one is not None), None)


def _moment(value: str, offset: str) -> datetime | None:
    """A DT value; its own offset from UTC goes before that of the data set."""
    parts = _MOMENT.fullmatch(value)
    if parts is None:
        return None
    minute, second, own_offset = parts.groups(default="")
    zone = own_offset or offset
    known_second = "59" if second == "60" else second or "00"  # a leap second is the 60th
    form = "%Y%m%d%H%M%S" + ("%z" if zone else "")
    try:
        return datetime.strptime(minute + known_second + zone, form)  # noqa: DTZ007 zone or none
    except ValueError:
        return None
