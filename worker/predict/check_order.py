"""Checks that an earlier measurement is earlier than the study that is read."""

from __future__ import annotations

from datetime import datetime

from radiology.clinical import LesionMeasurement
from radiology.errors import SettingsRefused


def check_order(earlier: LesionMeasurement, acquired_at: datetime | None) -> None:
    """Refuse an earlier answer that is not earlier than the study.

    Where the times cannot be compared nothing is refused here: the rule says so in its answer.

    Parameters
    ----------
    acquired_at : of the study that is read now; None where its headers do not say

    Raises
    ------
    SettingsRefused
        The earlier study was acquired at the same time or later.
    """
    if acquired_at is None or (acquired_at.tzinfo is None) != (earlier.acquired_at.tzinfo is None):
        return
    if earlier.acquired_at >= acquired_at:
        order = "at the same time as" if earlier.acquired_at == acquired_at else "later than"
        raise SettingsRefused(
            f"The earlier answer is about a study that was acquired {order} this one, not before it"
        )
