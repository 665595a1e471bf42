"""When a manager of work items is asked whether somebody has claimed one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.flags import Flagging

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ask_in_s(age_s: float, escalate_in_s: float | None, **flagging: float) -> float | None:
    """Seconds until a manager is asked next, of a flag of this age."""
    at = Flagging(**flagging).ask_at(
        NOON,
        raised_at=NOON - timedelta(seconds=age_s),
        escalate_at=None if escalate_in_s is None else NOON + timedelta(seconds=escalate_in_s),
        answer_s=10.0,
    )
    return None if at is None else (at - NOON).total_seconds()


@pytest.mark.parametrize(
    ("age_s", "escalate_in_s", "expected"),
    [
        (0.0, None, 60.0),
        (0.0, 300.0, 60.0),
        (240.0, 60.0, 47.0),  # so that its answer comes before the next step
        (290.0, 10.0, 60.0),  # too late for that
        (3600.0, None, 360.0),
        (864_000.0, None, 3600.0),
        (-5.0, None, 60.0),  # a clock that was set back
    ],
)
def test_when_it_is_asked(age_s: float, escalate_in_s: float | None, expected: float) -> None:
    """Every minute at first, then more rarely; and once before the next step."""
    assert ask_in_s(age_s, escalate_in_s) == expected


def test_switched_off() -> None:
    """Nobody is asked."""
    assert ask_in_s(0.0, 300.0, claims_s=0.0) is None


@given(
    age_s=st.floats(0, 1e7),
    escalate_in_s=st.none() | st.floats(-100, 1e5),
    claims_s=st.floats(0.1, 1e5),
)
def test_it_is_always_asked_later(
    age_s: float, escalate_in_s: float | None, claims_s: float
) -> None:
    """No setting and no moment makes a worker ask without end."""
    asked = ask_in_s(age_s, escalate_in_s, claims_s=claims_s)
    assert asked is not None
    assert asked > 0
