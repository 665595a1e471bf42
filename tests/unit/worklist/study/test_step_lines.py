"""The time between two steps, as people say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from database.views.worklist.worklist_facts import EventFacts
from worklist.study.step_lines import step_lines

_RECEIVED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3.871, "+3.87 s"),
        (119.0, "+119.00 s"),
        (1902.39, "+31.7 min"),
        (3 * 3600.0, "+3.0 h"),
        (-0.2, "−0.20 s"),
        (-3600.0, "−60.0 min"),
    ],
)
def test_time_since_the_step_before(seconds: float, said: str) -> None:
    """Seconds while they are few; a clock that is behind another one gives one sign, not two."""
    came = EventFacts(at=_RECEIVED, job_id=None, name="received", facts={})
    opened = EventFacts(
        at=_RECEIVED + timedelta(seconds=seconds), job_id=None, name="study_opened", facts={}
    )
    first, second = step_lines((came, opened), {})
    assert first.since_previous == ""
    assert second.since_previous.replace("\u00a0", " ") == said
