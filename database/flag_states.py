"""The states of flags and of notices about them."""

from __future__ import annotations

from enum import StrEnum


class FlagState(StrEnum):
    """Where the flag of a study stands."""

    OPEN = "open"  # nobody has said yet that they have seen it
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"  # its result was taken back
    SUPERSEDED = "superseded"  # a newer result of the study gives no reason for one


IN_FORCE = (FlagState.OPEN, FlagState.ACKNOWLEDGED)
"""States of a flag that still says what the newest result says."""


class NoticeKind(StrEnum):
    """Why a channel is told something."""

    RAISED = "raised"
    RAISED_AGAIN = "raised_again"  # a newer result of the same study changed what was said
    WITHDRAWN = "withdrawn"  # the result is withdrawn or superseded: do not rely on it
    ACKNOWLEDGED = "acknowledged"  # somebody has seen it; told to channels that keep a state


class NoticeState(StrEnum):
    """Where one notice to one channel stands."""

    WAITING = "waiting"  # to be sent, or sent again
    ACCEPTED = "accepted"
    REFUSED = "refused"  # the receiver said no for good; a person must change something first
    FAILED = "failed"  # tried too often, or a defect
    DROPPED = "dropped"  # overtaken by a newer notice, or by an acknowledgement
