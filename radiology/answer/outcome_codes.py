"""The codes for a reading's outcome and urgency, the same in the SR and in messages."""

from __future__ import annotations

from radiology import codes
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Urgency

SUMMARIES: dict[Outcome, Code] = {
    Outcome.FINDINGS: codes.SUCCEEDED_WITH_FINDINGS,
    Outcome.NO_FINDINGS: codes.SUCCEEDED_WITHOUT_FINDINGS,
    Outcome.NOT_ASSESSABLE: codes.FAILED,
}
PRIORITIES: dict[Urgency, Code] = {
    Urgency.URGENT: codes.URGENT,
    Urgency.SUSPECTED: codes.SUSPECTED,
    Urgency.ROUTINE: codes.ROUTINE,
}
