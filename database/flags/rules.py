"""Who is told of an urgent study, and when the next step is due: from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from radiology.urgency import Urgency
from settings.flags import Channel, Flagging


@dataclass(frozen=True)
class FlagRules:
    """Who is told of what, from the settings."""

    channels: Sequence[Channel]
    flagging: Flagging

    def wanting(self, urgency: Urgency) -> list[Channel]:
        """The channels that are told of a study of this urgency, now or later."""
        return [one for one in self.channels if one.wants(urgency)]

    def next_step(self, urgency: Urgency, after: int) -> int | None:
        """The step that follows one; None when that was the last."""
        steps = [one.escalation for one in self.wanting(urgency) if one.escalation > after]
        return min(steps, default=None)

    def escalate_at(self, urgency: Urgency, after: int, now: datetime) -> datetime | None:
        """When the next step is due, unless the flag is acknowledged."""
        if self.next_step(urgency, after) is None:
            return None
        steps = {one.escalation for one in self.wanting(urgency)}
        number = sum(0 < step <= after for step in steps)
        return now + timedelta(seconds=self.flagging.wait_s(number))
